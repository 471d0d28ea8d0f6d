// Judges answers by their JSON Schemas with ajv, a validator that has nothing to do with ours.
// Standard input: [{ name, draft, schema, answers: ["…"] }]. Prints "N valid" and ends with 0, or the answers that are not and ends with 1.
import { readFileSync } from "node:fs";
import Ajv from "ajv";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

// Not strict: schemas hold keywords of OpenAPI and remarks. Divisors such as 0.01 are compared as doubles, hence the precision.
const options = { strict: false, allowUnionTypes: true, multipleOfPrecision: 6, logger: false };
const wrong = [];
let valid = 0;
for (const { name, draft, schema, answers } of JSON.parse(readFileSync(0, "utf8"))) {
  const ajv = draft === 7 ? new Ajv(options) : new Ajv2020(options);
  addFormats(ajv);
  const validate = ajv.compile(schema);
  for (const answer of answers) {
    if (validate(JSON.parse(answer))) valid++;
    else wrong.push(`${name}: ${answer.slice(0, 300)}: ${ajv.errorsText(validate.errors)}`);
  }
}
console.log(wrong.length === 0 ? `${valid} valid` : wrong.slice(0, 40).join("\n"));
process.exitCode = wrong.length === 0 ? 0 : 1;
