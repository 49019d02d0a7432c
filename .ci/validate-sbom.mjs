// Checks CycloneDX files, each named after its Go binary with .cdx.json, against the specification's own strict schema and against the
// modules that the linker wrote down in the binary.
// usage: node validate-sbom.mjs NODE_MODULES FILE...
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [modules, ...files] = process.argv.slice(2);
const { Spec, Validation } = createRequire(`${modules}/x.js`)('@cyclonedx/cyclonedx-library');
const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);

// A validator that accepts everything would be no check.
if (await validator.validate('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"name": "no type"}]}') === null) {
  throw new Error('the validator accepts a component without a type');
}
function linked(binary) {
  const [first, ...lines] = execFileSync('go', ['version', '-m', binary], { encoding: 'utf8' }).split('\n');
  const modules = lines.map((line) => line.split('\t')).filter(([, kind]) => kind === 'dep').map(([, , path, version]) => `${path} ${version}`);
  return [`std ${first.split(' ').at(-1)}`, ...modules].sort();
}

for (const file of files) {
  const text = readFileSync(file, 'utf8');
  const named = JSON.parse(text).components.map(({ name, version }) => `${name} ${version}`).sort();
  const modules = linked(file.replace(/\.cdx\.json$/, ''));
  if (modules.length < 20 || named.join() !== modules.join()) {
    console.error(file, 'names', named, 'and the binary', modules);
    process.exitCode = 1;
  }
  const complaints = await validator.validate(text);
  if (complaints !== null) {
    console.error(file, JSON.stringify(complaints, null, 2));
    process.exitCode = 1;
  }
}
