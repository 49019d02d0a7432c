// Checks CycloneDX files against the specification's own strict schema.
// usage: node validate-sbom.mjs NODE_MODULES FILE...
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [modules, ...files] = process.argv.slice(2);
const { Spec, Validation } = createRequire(`${modules}/x.js`)('@cyclonedx/cyclonedx-library');
const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);

// A validator that accepts everything would be no check.
if (await validator.validate('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"name": "no type"}]}') === null) {
  throw new Error('the validator accepts a component without a type');
}
for (const file of files) {
  const complaints = await validator.validate(readFileSync(file, 'utf8'));
  if (complaints !== null) {
    console.error(file, JSON.stringify(complaints, null, 2));
    process.exitCode = 1;
  }
}
