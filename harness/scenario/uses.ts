/**
 * Uses: one attack or expectation in a list, `strip-starttls` or `{ strip-starttls: … }`, read by
 * the schema of its own options.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { testName } from '../model/plan.ts';
import type { Expectation } from '../model/verdict.ts';
import type { Complain } from '../yaml/issues.ts';
import { parsePart } from '../yaml/issues.ts';
import { nearestName } from '../yaml/problems.ts';
import { isMapping, type Path } from '../yaml/source.ts';
import type { Vocabulary } from './language.ts';
import { VARIANT } from './language.ts';

/** How the uses of one kind of thing are read. */
export interface Words {
  /** `attack` or `expectation`, for messages. */
  readonly what: string;
  readonly known: ReadonlyMap<string, Word>;
}

interface Word {
  readonly summary: string;
  readonly options: z.ZodObject;
  readonly shorthand?: string;
}

/** A use, or the word that stands for the variant's, and where it stands. */
export interface Spliced {
  readonly path: Path;
  readonly use: RawUse | typeof VARIANT | undefined;
}

export function attackWords({ attacks }: Vocabulary): Words {
  return {
    what: 'attack',
    known: new Map([...attacks].map(([name, attack]) => [name, wordOf(attack)])),
  };
}

/** Every expectation takes `grade`, `requirement` and `for` besides its own options. */
export function expectationWords(
  { expectations }: Vocabulary,
  requirement: z.ZodType<string>,
): Words {
  const common = {
    grade: z
      .literal('warn', { error: 'unknown grade' })
      .optional()
      .describe('At most this grade, when the expectation is not met.'),
    requirement: requirement.optional().describe('The requirement of its findings.'),
    for: testName.optional().describe('Only the recipients at this domain; default: all.'),
  };
  const known = [...expectations].map(([name, expectation]) => {
    const word = wordOf(expectation);
    return [name, { ...word, options: word.options.safeExtend(common) }] as const;
  });
  return { what: 'expectation', known: new Map(known) };
}

export function requirementId({ requirements }: Vocabulary): z.ZodType<string> {
  return z
    .enum([...requirements], {
      error: 'unknown requirement: "holdfast list --requirements" names all',
    })
    .meta({ id: 'requirement', description: 'The id of a requirement.' });
}

export function factName({ facts }: Vocabulary): z.ZodType<string> {
  return z
    .enum([...facts.keys()], { error: 'unknown fact' })
    .meta({ id: 'fact', description: 'What is told of the sender.' });
}

/**
 * The items of a list of uses; `$variant` is left as it is, and what cannot be read is undefined.
 */
export function readUses(list: unknown, path: Path, words: Words, complain: Complain): Spliced[] {
  if (list === VARIANT) return [{ path, use: VARIANT }];
  if (!Array.isArray(list)) return [];
  return list.map((item, index) => {
    const at = [...path, index];
    return { path: at, use: item === VARIANT ? VARIANT : readUse(item, at, words, complain) };
  });
}

export interface RawUse {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

function readUse(
  item: unknown,
  path: Path,
  { what, known }: Words,
  complain: Complain,
): RawUse | undefined {
  const isBare = typeof item === 'string';
  if (!isBare && !isMapping(item)) {
    complain(path, `expected the name of an ${what}, or a map from its name to its options`, {
      found: item,
    });
    return undefined;
  }
  const names = isBare ? [item] : Object.keys(item);
  const name = names.find((one) => known.has(one)) ?? names[0];
  const word = known.get(name ?? '');
  const part = isBare ? undefined : 'key';
  if (name === undefined) {
    complain(path, `an empty map names no ${what}`);
    return undefined;
  }
  const placeOf = (key: string) => (isBare ? path : [...path, key]);
  if (word === undefined) {
    complain(placeOf(name), `unknown ${what}`, { part, found: name, allowed: [...known.keys()] });
    return undefined;
  }
  for (const other of names.filter((one) => one !== name)) {
    const isOption = nearestName(other, Object.keys(word.options.shape)) !== undefined;
    const hint = isOption
      ? `options of ${name} stand one level deeper`
      : `one ${what} an item; give the other an item of its own`;
    complain(placeOf(other), hint, { part, found: other });
  }
  const value = isBare ? {} : item[name];
  const at = placeOf(name);
  const options =
    word.shorthand === undefined || isMapping(value)
      ? readOptions(word, value, at, complain)
      : readShorthand(word, word.shorthand, value, at, complain);
  return options && names.length === 1 ? { name, options } : undefined;
}

function readOptions(
  word: Word,
  value: unknown,
  path: Path,
  complain: Complain,
): RawUse['options'] | undefined {
  if (isMapping(value)) return parsePart(word.options, value, path, complain);
  complain(path, 'expected a map of options', {
    found: value,
    allowed: Object.keys(word.options.shape),
  });
  return undefined;
}

/**
 * A bare scalar, or list, is the option that the shorthand names; its problems are where the scalar
 * is.
 */
function readShorthand(
  word: Word,
  option: string,
  value: unknown,
  path: Path,
  complain: Complain,
): RawUse['options'] | undefined {
  const atScalar: Complain = (inner, message, details) =>
    complain(
      inner[path.length] === option ? [...path, ...inner.slice(path.length + 1)] : inner,
      message,
      details,
    );
  return parsePart(word.options, { [option]: value }, path, atScalar);
}

/**
 * The model knows options only as something that parses; here they are zod objects. No key is
 * passed over in silence.
 */
function wordOf({ summary, options, shorthand }: Attack | Expectation): Word {
  return { summary, options: (options as z.ZodObject).strict(), shorthand };
}
