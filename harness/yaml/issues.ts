/**
 * Issues: what zod says of a value, as problems at their places in the file.
 *
 * Of a union the branch is chosen whose shape the value has, and that branch's issues are told
 * where they are; only a value that has the shape of none is told all that could stand there.
 */

import type { z } from 'zod';
import type { Problem } from './problems.ts';
import { MOST_PROBLEMS, nearestName, showValue } from './problems.ts';
import type { Path, Source } from './source.ts';

/** Takes a problem of one file. */
export type Complain = (path: Path, message: string, details?: Details) => void;

interface Details {
  /** Point at the key instead of at its value. */
  readonly part?: 'key';
  /** The value that stands there. */
  readonly found?: unknown;
  /** All that could stand there instead. */
  readonly allowed?: readonly string[];
  /** Names that may have been meant; default: those allowed. */
  readonly meant?: readonly string[];
}

/** Takes problems, and holds those it has taken so far. */
export function startComplaints(source: Source): {
  readonly complain: Complain;
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const complain: Complain = (path, message, { part, found, allowed, meant = allowed } = {}) => {
    if (problems.length > MOST_PROBLEMS) return;
    if (problems.length === MOST_PROBLEMS) {
      problems.push({
        file: source.file,
        line: 0,
        column: 0,
        message: `more than ${MOST_PROBLEMS} problems; the others are not told`,
      });
      return;
    }
    problems.push({
      file: source.file,
      ...source.locate(path, part),
      message,
      found: found === undefined ? undefined : showValue(found),
      allowed,
      nearest: typeof found === 'string' && meant ? nearestName(found, meant) : undefined,
    });
  };
  return { complain, problems };
}

/**
 * The value as the schema makes it; undefined when there are issues, each then told below
 * `path`.
 */
export function parsePart<S extends z.ZodType>(
  schema: S,
  value: unknown,
  path: Path,
  complain: Complain,
): z.output<S> | undefined {
  const result = schema.safeParse(value, { reportInput: true, error: wording });
  if (result.success) return result.data;
  for (const issue of result.error.issues) complainOfIssue(issue, path, complain);
  return undefined;
}

/**
 * A map as the schema makes it or, when there are issues, each then told, those of its keys
 * that can be read.
 */
export function parseKeys<S extends z.ZodObject>(
  schema: S,
  value: Readonly<Record<string, unknown>>,
  complain: Complain,
): Partial<z.output<S>> {
  const whole = parsePart(schema, value, [], complain);
  if (whole !== undefined) return whole;
  const parts = Object.entries<z.ZodType>(schema.shape).map(([key, part]) => [
    key,
    part.safeParse(value[key]).data,
  ]);
  return Object.fromEntries(parts) as Partial<z.output<S>>;
}

type Issue = z.core.$ZodIssue;

const KINDS: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};
const MOST_VALUES_TOLD = 3;
const MANY_VALUES = 100;

/**
 * For every issue whose schema has no wording of its own. Empty: worded where the issue is
 * told.
 */
function wording(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${KINDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return 'unknown value';
    case 'invalid_format':
      return `expected a string like ${issue.pattern ?? issue.format}`;
    case 'too_small':
      if (!isMeasured(issue))
        return issue.inclusive ? `less than ${issue.minimum}` : `${issue.minimum} or less`;
      return issue.minimum === 1
        ? 'must not be empty'
        : `needs at least ${issue.minimum}${unitOf(issue)}`;
    case 'too_big':
      return isMeasured(issue)
        ? `takes at most ${issue.maximum}${unitOf(issue)}`
        : issue.inclusive
          ? `more than ${issue.maximum}`
          : `${issue.maximum} or more`;
    case 'unrecognized_keys':
      return JSON.stringify(keysOf(issue.inst));
    default:
      return '';
  }
}

/** By its length, not by its value. */
function isMeasured({ origin }: { readonly origin: string }): boolean {
  return origin === 'string' || origin === 'array';
}

function unitOf({ origin }: { readonly origin: string }): string {
  return origin === 'string' ? ' characters' : ' items';
}

/** Only here zod still says whose keys they are, so the message carries them to complainOfIssue. */
function keysOf(schema: unknown): string[] {
  const { shape } = (schema as z.ZodObject)._zod.def;
  return Object.keys(shape ?? {});
}

function complainOfIssue(issue: Issue, base: Path, complain: Complain): void {
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    const allowed: string[] | undefined = issue.message.startsWith('[')
      ? JSON.parse(issue.message)
      : undefined;
    for (const key of issue.keys)
      complain([...path, key], 'unknown key', { part: 'key', found: key, allowed });
  } else if (issue.input === undefined) {
    complain(path.slice(0, -1), `${String(path.at(-1))} is missing`);
  } else if (issue.code === 'invalid_key') {
    complain(path, issue.issues[0]!.message, { part: 'key', found: issue.input });
  } else if (issue.code === 'invalid_union') {
    complainOfUnion(issue, path, complain);
  } else if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    const allowed = relatives(issue.input, values);
    complain(path, issue.message, { found: issue.input, allowed, meant: values });
  } else {
    complain(path, issue.message || 'not valid here', {
      found: issue.code === 'custom' ? undefined : issue.input,
    });
  }
}

/** Of very many, such as the ids of requirements, those that begin like it. */
function relatives(found: unknown, names: readonly string[]): readonly string[] {
  if (names.length <= MANY_VALUES || typeof found !== 'string') return names;
  const parts = found.split('-');
  const heads = parts.map((_, index) => parts.slice(0, -index || undefined).join('-'));
  const alike = heads.map((head) => names.filter((name) => name.startsWith(`${head}-`)));
  return alike.find((some) => some.length > 0) ?? names;
}

function complainOfUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  path: Path,
  complain: Complain,
): void {
  if (issue.discriminator !== undefined) {
    const found = (issue.input as Readonly<Record<string, unknown>>)[issue.discriminator];
    const allowed = 'options' in issue ? issue.options?.map(String) : undefined;
    if (found === undefined)
      complain(path.slice(0, -1), `${issue.discriminator} is missing`, { allowed });
    else complain(path, `unknown ${issue.discriminator}`, { found, allowed });
    return;
  }
  const [closest] = issue.errors
    .filter((issues) => !issues.some(isOtherShape))
    .sort((a, b) => weightOf(a) - weightOf(b));
  if (closest) {
    for (const inner of closest) complainOfIssue(inner, path, complain);
    return;
  }
  const names = issue.errors.flat().flatMap(valuesOf);
  const known = names.length > MOST_VALUES_TOLD ? { allowed: names } : { meant: names };
  const expected = new Set(issue.errors.flat().flatMap(expectedBy));
  complain(path, issue.message || `expected ${[...expected].join(' or ')}`, {
    found: issue.input,
    ...known,
  });
}

/** The value as a whole is not of the kind that this branch takes. */
function isOtherShape(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === 'invalid_union')
    return issue.errors.length > 0 && issue.errors.every((issues) => issues.some(isOtherShape));
  return issue.code === 'invalid_type' || issue.code === 'invalid_value';
}

function weightOf(issues: readonly Issue[]): number {
  return issues.reduce(
    (weight, issue) => weight + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1),
    0,
  );
}

function expectedBy(issue: Issue): string[] {
  if (issue.code === 'invalid_union') return issue.errors.flat().flatMap(expectedBy);
  if (issue.code === 'invalid_type') return [KINDS[issue.expected] ?? issue.expected];
  const values = valuesOf(issue);
  return values.length > MOST_VALUES_TOLD
    ? ['a name allowed here']
    : values.map((value) => JSON.stringify(value));
}

function valuesOf(issue: Issue): string[] {
  if (issue.code === 'invalid_union') return issue.errors.flat().flatMap(valuesOf);
  return issue.code === 'invalid_value' ? issue.values.map(String) : [];
}
