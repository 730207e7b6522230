/** Checks documents against JSON Schemas; the formats of strings that are used are checked too. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';

/** `/runs/0 must have required property 'tool'`; empty: it keeps to the schema. */
export type Check = (document: unknown) => string[];

const OPTIONS = {
  allErrors: true,
  strict: false,
  // One pattern of SARIF's schema has a bracket too many.
  unicodeRegExp: false,
  formats: {
    uri: (text: string) => URL.canParse(text),
    'uri-reference': (text: string) =>
      !/[^\x21-\x7e]/.test(text) && URL.canParse(text, 'http://a/'),
    'date-time': (text: string) =>
      /^\d{4}-\d\d-\d\dT.*Z$/.test(text) && !Number.isNaN(Date.parse(text)),
  },
};

export const checkSarif: Check = checkOf(
  new Ajv(OPTIONS).compile(
    JSON.parse(readFileSync(join(import.meta.dirname, 'schemas', 'sarif-2.1.0.json'), 'utf8')),
  ),
);

/** By a schema of draft 2020-12. */
export function checkBy(schema: object): Check {
  return checkOf(new Ajv2020(OPTIONS).compile(schema));
}

function checkOf(validate: ValidateFunction): Check {
  return (document) =>
    validate(document)
      ? []
      : validate.errors!.map(({ instancePath, message }) => `${instancePath} ${message}`);
}
