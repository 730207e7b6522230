/**
 * The JSON Schema says what the loader says, as far as a schema can; checked by a validator of just
 * the keywords it uses.
 */

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadScenario } from '../../harness/scenario/load.ts';
import { scenarioJsonSchema } from '../../harness/scenario/schema.ts';
import { HEAD, vocabulary } from './vocabulary.ts';

type Schema = Readonly<Record<string, any>>;
const schema: Schema = scenarioJsonSchema(vocabulary);

const CHECKS: Readonly<Record<string, (value: any, argument: any, whole: Schema) => boolean>> = {
  $ref: (value, ref: string) => isValid(value, schema.$defs[ref.replace('#/$defs/', '')]),
  anyOf: (value, branches: Schema[]) => branches.some((branch) => isValid(value, branch)),
  oneOf: (value, branches: Schema[]) =>
    branches.filter((branch) => isValid(value, branch)).length === 1,
  type: (value, type: string) =>
    type === 'integer' ? Number.isInteger(value) : typeOf(value) === type,
  const: (value, wanted) => value === wanted,
  enum: (value, wanted: unknown[]) => wanted.includes(value),
  pattern: (value, pattern: string) => typeof value !== 'string' || new RegExp(pattern).test(value),
  minLength: (value, least: number) => typeof value !== 'string' || value.length >= least,
  minimum: (value, least: number) => typeof value !== 'number' || value >= least,
  maximum: (value, most: number) => typeof value !== 'number' || value <= most,
  items: (value, items: Schema) =>
    !Array.isArray(value) || value.every((item) => isValid(item, items)),
  minItems: (value, least: number) => !Array.isArray(value) || value.length >= least,
  properties: (value, properties: Schema) =>
    keysOf(value).every((key) => !(key in properties) || isValid(value[key], properties[key])),
  required: (value, keys: string[]) =>
    typeOf(value) !== 'object' || keys.every((key) => key in value),
  propertyNames: (value, names: Schema) => keysOf(value).every((key) => isValid(key, names)),
  minProperties: (value, least: number) =>
    typeOf(value) !== 'object' || keysOf(value).length >= least,
  maxProperties: (value, most: number) =>
    typeOf(value) !== 'object' || keysOf(value).length <= most,
  additionalProperties: (value, others: Schema | false, { properties = {} }) =>
    keysOf(value).every(
      (key) => key in properties || (others !== false && isValid(value[key], others)),
    ),
};
const REMARKS = new Set(['$schema', '$defs', 'id', 'title', 'description', 'default', 'format']);

function isValid(value: unknown, part: Schema): boolean {
  return Object.entries(part).every(([keyword, argument]) => {
    if (REMARKS.has(keyword)) return true;
    const check = CHECKS[keyword];
    if (check === undefined) throw new Error(`the validator lacks ${keyword}`);
    return check(value, argument, part);
  });
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function keysOf(value: unknown): string[] {
  return typeOf(value) === 'object' ? Object.keys(value as object) : [];
}

function* objectsIn(part: unknown, path = ''): Generator<{ path: string; part: Schema }> {
  if (typeof part !== 'object' || part === null) return;
  if ('type' in part && part.type === 'object') yield { path, part };
  for (const [key, inner] of Object.entries(part)) yield* objectsIn(inner, `${path}/${key}`);
}

const SEND = 'steps: [{ send: a, expect: [enforced] }]';

describe('what the loader takes', () => {
  it.each([
    [SEND],
    ['policy: absent\nsteps: [prime, restart, { send: a, expect: [enforced] }]'],
    [
      'policy: { mode: none, max_age: 1w, mx: [a.test], id: a1, text: "", record: [a] }\nneeds: []\nsteps: [{ prime: a }, { wait: 3 }, { advance: 1d }, { send: a, expect: [enforced] }]',
    ],
    [
      'domain: { mx: [a.test, { host: b.test }], tlsrpt: v=TLSRPTv1, records: [{ name: a.test, type: A, host: 192.0.2.1 }] }\nsteps: [{ send: a, expect: [enforced] }]',
    ],
    [
      'variants: { a-b: { under: [strip-starttls], expect: [{ delivered: plain }] } }\nsteps: [{ send: a, under: $variant, expect: [enforced, $variant] }]',
    ],
    [
      'steps: [{ send: a, under: [{ strip-starttls: overwrite }, { reply: { code: 454 } }], expect: [enforced] }, flush, { flush: a }, recover]',
    ],
    [
      'steps: [{ send: a, expect: [enforced, { delivered: { channel: plain, grade: warn, requirement: 8461-5-transient } }] }, { publish: a, policy: { mode: none } }]',
    ],
    [
      'variants: { a: { publish: { policy: absent, domain: {} } } }\nsteps: [{ publish: a, policy: $variant, domain: $variant }, { send: a, expect: [enforced] }]',
    ],
  ])('%s', (text) => {
    expect(loadScenario(HEAD + text, 'f.yaml', 'f', vocabulary).problems).toEqual([]);
    expect(isValid(parse(HEAD + text), schema)).toBe(true);
  });
});

describe('what the loader refuses', () => {
  it.each([
    [`polcy: absent\n${SEND}`],
    [`policy: absnt\n${SEND}`],
    [`policy: { mod: none }\n${SEND}`],
    [`policy: { max_age: 3M }\n${SEND}`],
    [`domain: { mx: [mx.example.com] }\n${SEND}`],
    [`domain: { records: [{ name: a.test, type: MX, text: a }] }\n${SEND}`],
    [`variants: { A_B: {} }\n${SEND}`],
    [`variants: {}\n${SEND}`],
    [`needs: [dan]\n${SEND}`],
    ['steps: []'],
    ['steps: [primed]'],
    ['steps: [send]'],
    ['steps: [{ send: a }]'],
    ['steps: [{ send: a, expect: [] }]'],
    ['steps: [{ send: a, expect: [enforced], mesages: 2 }]'],
    ['steps: [{ send: a, expect: [enforced], advance: 2d }]'],
    ['steps: [{ send: a, expect: [enforcd] }]'],
    ['steps: [{ send: a, under: $varient, expect: [enforced] }]'],
    ['steps: [{ send: a, under: [strip-startls], expect: [enforced] }]'],
    ['steps: [{ send: a, under: [reply], expect: [enforced] }]'],
    ['steps: [{ send: a, under: [{}], expect: [enforced] }]'],
    ['steps: [{ send: a, under: [{ strip-starttls: overwrit }], expect: [enforced] }]'],
    [
      'steps: [{ send: a, under: [{ strip-starttls: {}, reply: { code: 454 } }], expect: [enforced] }]',
    ],
    ['steps: [{ send: a, under: [{ reply: { code: 454, text: a } }], expect: [enforced] }]'],
    ['steps: [{ send: a, expect: [{ enforced: { grade: fail } }] }]'],
    ['steps: [{ send: a, expect: [{ enforced: { requirement: 8461-9 } }] }]'],
  ])('%s', (text) => {
    expect(loadScenario(HEAD + text, 'f.yaml', 'f', vocabulary).problems).not.toEqual([]);
    expect(isValid(parse(HEAD + text), schema)).toBe(false);
  });
});

describe('for editors', () => {
  it('it is draft 2020-12, closed at every level', () => {
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    const open = [...objectsIn(schema)].filter(
      ({ part }) => part.properties && part.additionalProperties !== false,
    );
    expect(open.map(({ path }) => path)).toEqual([]);
  });

  it('every key of the language is explained', () => {
    const mute = [
      ...objectsIn({ ...schema, $defs: { ...schema.$defs, attack: {}, expectation: {} } }),
    ].flatMap(({ path, part }) =>
      Object.entries<Schema>(part.properties ?? {}).flatMap(([key, property]) =>
        property.description ? [] : [`${path}/${key}`],
      ),
    );
    expect(mute).toEqual([]);
  });

  it('every attack and expectation stands there with its summary and options', () => {
    const uses = { attack: vocabulary.attacks, expectation: vocabulary.expectations };
    for (const [what, words] of Object.entries(uses)) {
      const { properties } = schema.$defs[what].anyOf.find(
        (branch: Schema) => branch.type === 'object',
      );
      expect(Object.keys(properties)).toEqual([...words.keys()]);
      for (const [name, { summary }] of words) expect(properties[name].description).toBe(summary);
    }
    const bare = schema.$defs.attack.anyOf.filter((branch: Schema) => 'const' in branch);
    expect(bare).toEqual([
      {
        type: 'string',
        const: 'strip-starttls',
        description: 'Takes STARTTLS out of the EHLO reply',
      },
    ]);
    const [short, options] = schema.$defs.attack.anyOf.at(-1).properties['strip-starttls'].anyOf;
    expect(short).toMatchObject({
      enum: ['remove', 'overwrite'],
      description: 'what becomes of the line',
    });
    expect(Object.keys(options.properties)).toEqual(['how', 'mx']);
    const enforced = schema.$defs.expectation.anyOf.at(-1).properties.enforced;
    expect(Object.keys(enforced.properties)).toEqual(['grade', 'requirement', 'for']);
  });
});
