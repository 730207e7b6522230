/**
 * `npm run docs`: fills the marked sections of the READMEs (`<!-- attacks -->` to
 * `<!-- end of attacks -->`) from the schemas and the requirements that the harness reads by, and
 * writes what the pins of the mutants prove into scenarios/proofs.json.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PROFILES } from '../../certs/profiles.ts';
import { wrap } from '../../harness/commands/terminal.ts';
import type { Attack } from '../../harness/model/attack.ts';
import { CERTIFICATE_PROFILES } from '../../harness/model/plan.ts';
import type { Expectation } from '../../harness/model/verdict.ts';
import { language } from '../../harness/scenario/language.ts';
import { contractLanguage } from '../../harness/senders/contract/language.ts';
import { loadVocabulary } from '../../harness/vocabulary.ts';
import { inLines, readPins } from '../mutants/pins.ts';
import { proofsOf } from '../mutants/proving.ts';

const WIDTH = 100;
const ROOT = join(import.meta.dirname, '..', '..');
const PROOFS = 'scenarios/proofs.json';
export const GENERATED = ['scenarios/README.md', 'docker/README.md', PROOFS] as const;

/** The file as it stands on disk, and as it has to be. */
export async function generated(file: string): Promise<{ is: string; shouldBe: string }> {
  const path = join(ROOT, file);
  const is = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return { is, shouldBe: file === PROOFS ? inLines(proofsOf(readPins())) : await filled(file, is) };
}

async function filled(file: string, is: string): Promise<string> {
  const made = await sections();
  return is.replaceAll(
    /(<!-- (?!end of )([a-z ]+) -->\n)[\s\S]*?(?=<!-- end of \2 -->)/g,
    (_, mark: string, name: string) => {
      const text = made[name];
      if (text === undefined) throw new Error(`${file}: nothing fills the section "${name}"`);
      return `${mark}\n${text}\n\n`;
    },
  );
}

async function sections(): Promise<Record<string, string>> {
  const { attacks, expectations, facts } = await loadVocabulary();
  const words = language({
    attack: z.unknown().meta({ title: 'an attack' }),
    expectation: z.unknown().meta({ title: 'an expectation' }),
    fact: z.string().meta({ title: 'a fact' }),
    requirement: z.string(),
  });
  const step = z.unknown().meta({ title: 'a step' });
  const told: Told = new Map();
  const { patch, ...others } = Object.fromEntries(attacks);
  return {
    attacks: [...Object.entries(others), ['patch', patch!] as const]
      .map(([name, attack]) => describe(name, attack))
      .join('\n\n'),
    expectations: [...expectations].map(([name, one]) => describe(name, one)).join('\n\n'),
    facts: [...facts]
      .map(([name, { summary }]) => item(`\`${name}\``, sentence(summary)))
      .join('\n'),
    certificates: Object.entries(PROFILES)
      .map(([name, { summary }]) => item(`\`${name}\``, summary))
      .join('\n'),
    'the file': keysOf(words.file(step), undefined, told),
    steps: Object.entries(words.steps)
      .map(([name, keys]) => `### \`${name}\`\n\n${keysOf(keys, undefined, told)}`)
      .join('\n\n'),
    'the contract': keysOf(contractLanguage()),
  };
}

function describe(name: string, { summary, example, options, shorthand }: Attack | Expectation) {
  const keys = keysOf(options as unknown as z.ZodType, shorthand);
  return [
    `### \`${name}\``,
    '',
    ...wrap(sentence(summary), WIDTH),
    '',
    '```yaml',
    example,
    '```',
    ...(keys === '' ? [] : ['', keys]),
  ].join('\n');
}

/** What the docs need of a JSON Schema. */
interface Schema {
  readonly title?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

/** A list of the keys of an object, and of those within them: `tls.minVersion`, `rules[].name`. */
function keysOf(options: z.ZodType, shorthand?: string, told: Told = new Map()): string {
  const schema = z.toJSONSchema(options, {
    io: 'input',
    unrepresentable: 'any',
    reused: 'inline',
  }) as Schema;
  return itemsOf(schema, '', told, shorthand).join('\n');
}

/** Mappings that were told already, by their schema: under which key. */
type Told = Map<string, string>;

function itemsOf(schema: Schema, path: string, told: Told, shorthand?: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const name = `${path}${key}`;
    const notes = [
      ...(schema.required?.includes(key) ? ['required'] : []),
      ...(key === shorthand ? ['a bare value means this option'] : []),
      ...(value.default === undefined || isEmpty(value.default)
        ? []
        : [`default \`${inYaml(value.default)}\``]),
    ];
    const meaning = value.description === undefined ? '' : ` ${sentence(value.description)}`;
    const head = [takes(value), ...notes].join('; ');
    const below = within(value, name, told);
    const like = typeof below === 'string' ? ` Its keys are those of \`${below}\`.` : '';
    return [
      item(`\`${name}\``, `${head}.${meaning}${like}`),
      ...(typeof below === 'string' ? [] : below),
    ];
  });
}

/** The keys within a value; or, where they were told before, of which key. */
function within(value: Schema, name: string, told: Told): string[] | string {
  const { description: _, default: __, ...shape } = value;
  const before = told.get(JSON.stringify(shape));
  if (before !== undefined) return before;
  const items: string[] = [];
  for (const choice of choicesOf(value)) {
    items.push(...itemsOf(choice, `${name}.`, told));
    const { items: each, additionalProperties: any } = choice;
    const inner = each
      ? within(each, `${name}[]`, told)
      : typeof any === 'object'
        ? within(any, `${name}.*`, told)
        : [];
    if (typeof inner === 'string') return inner;
    items.push(...inner);
  }
  if (items.length > 1) told.set(JSON.stringify(shape), name);
  // The choices of a union have keys in common.
  return [...new Set(items)];
}

const choicesOf = ({ anyOf, oneOf, ...schema }: Schema): readonly Schema[] =>
  anyOf ?? oneOf ?? [schema];

function takes(schema: Schema): string {
  if (schema.const !== undefined) return `\`${inYaml(schema.const)}\``;
  if (schema.title !== undefined) return schema.title;
  const choices = choicesOf(schema);
  if (choices.length > 1) return [...new Set(choices.map(takes))].join(' or ');
  if (schema.enum?.join() === CERTIFICATE_PROFILES.join())
    return 'a [certificate profile](#certificate-profiles)';
  if (schema.enum) return schema.enum.map((one) => `\`${inYaml(one)}\``).join(' · ');
  if (Array.isArray(schema.type)) return schema.type.join(' or ');
  switch (schema.type) {
    case 'integer':
    case 'number': {
      const { exclusiveMinimum, maximum = Number.MAX_SAFE_INTEGER } = schema;
      const minimum =
        exclusiveMinimum === undefined
          ? (schema.minimum ?? Number.MIN_SAFE_INTEGER)
          : exclusiveMinimum + 1;
      if (maximum < Number.MAX_SAFE_INTEGER) return `a number from ${minimum} to ${maximum}`;
      return minimum > 0 ? `a number from ${minimum}` : 'a number';
    }
    case 'boolean':
      return '`true` · `false`';
    case 'array':
      return schema.items ? `a list, each ${takes(schema.items)}` : 'a list';
    case 'object':
      return 'a mapping';
    case 'string':
      return 'a string';
    default:
      return 'any value';
  }
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

const inYaml = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

function sentence(text: string): string {
  const capital = /^[a-z]+:/.test(text) ? text : `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return /[.…]$/.test(capital) ? capital : `${capital}.`;
}

function item(head: string, text: string): string {
  const [first = '', ...rest] = wrap(`${head}: ${text}`, WIDTH, '  ');
  return [`- ${first.trimStart()}`, ...rest].join('\n');
}

if (import.meta.main)
  for (const file of GENERATED) {
    const { is, shouldBe } = await generated(file);
    if (is !== shouldBe) writeFileSync(join(ROOT, file), shouldBe);
    process.stdout.write(`${file}: ${is === shouldBe ? 'as it was' : 'written'}\n`);
  }
