/** Reading members of a JSON object by the type that the RFC gives them. */

import { readName } from './fields.ts';
import { type Findings, type Level, quote, show } from './finding.ts';
import { type Json, type JsonObject, pathOf } from './json.ts';

const SECTION = 'RFC 8460 §4.4';

/** Names that are none of these are ignored (RFC 7493 §4.2), and told. */
export function checkNames(
  object: JsonObject,
  path: string,
  names: readonly string[],
  findings: Findings,
): void {
  for (const name of Object.keys(object)) {
    if (!names.includes(name))
      findings.add(
        'seen',
        pathOf(path, name),
        SECTION,
        `one of ${names.join(', ')}`,
        'a member of another name, which is ignored',
      );
  }
}

/** A member that is an object; undefined, with a finding: it is missing or of another type. */
export function objectAt(
  object: JsonObject,
  name: string,
  path: string,
  findings: Findings,
): JsonObject | undefined {
  const value = object[name];
  if (isObject(value)) return value;
  findings.add('must', pathOf(path, name), SECTION, 'an object', show(value));
  return undefined;
}

/** A member that is a string with something in it; undefined, with a finding: it is not. */
export function textAt(
  object: JsonObject,
  name: string,
  path: string,
  findings: Findings,
): string | undefined {
  const value = object[name];
  if (typeof value === 'string' && value.trim() !== '') return value;
  findings.add('must', pathOf(path, name), SECTION, 'a string that is not empty', show(value));
  return typeof value === 'number' ? String(value) : undefined;
}

/** A string that may be missing, null or empty; undefined: it is, or is of another type, which is a finding. */
export function optionalTextAt(
  object: JsonObject,
  name: string,
  path: string,
  findings: Findings,
): string | undefined {
  const value = object[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value.trim() === '' ? undefined : value;
  findings.add('must', pathOf(path, name), SECTION, 'a string', show(value));
  return typeof value === 'number' ? String(value) : undefined;
}

/**
 * A count; undefined: there is none. One that is written as a string is read, and is a finding, as
 * is one that is negative, broken or missing.
 */
export function countAt(
  object: JsonObject,
  name: string,
  path: string,
  findings: Findings,
): number | undefined {
  const value = object[name];
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) {
    if (!Number.isSafeInteger(value))
      findings.add(
        'should',
        pathOf(path, name),
        'RFC 7493 §2.2',
        'a number below 2^53, which every reader takes the same',
        show(value),
      );
    return value;
  }
  findings.add('must', pathOf(path, name), SECTION, 'a whole number from 0', show(value));
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

/** A name in A-labels; `levels`: of a name with U-labels, and of what is no name. */
export function checkName(
  text: string,
  path: string,
  levels: { readonly uLabel: Level; readonly none: Level },
  findings: Findings,
  { pattern = false }: { readonly pattern?: boolean } = {},
): void {
  const what = pattern ? 'a name in A-labels, or "*." and one' : 'a name in A-labels';
  const read = readName(text, { pattern });
  if (read === 'dot')
    findings.add('seen', path, SECTION, `${what}, without a dot at its end`, quote(text));
  else if (read === 'u-label') findings.add(levels.uLabel, path, SECTION, what, quote(text));
  else if (read === 'none') findings.add(levels.none, path, SECTION, what, quote(text));
}

export interface Item {
  readonly value: Json;
  readonly path: string;
}

/**
 * The items of an array; undefined: there are none. One value that stands in its place is taken for
 * its only item, with a finding of the level `single`.
 */
export function itemsOf(
  object: JsonObject,
  name: string,
  path: string,
  findings: Findings,
  { single, section = SECTION }: { readonly single: Level; readonly section?: string },
): readonly Item[] | undefined {
  const value = object[name];
  const own = pathOf(path, name);
  if (Array.isArray(value))
    return value.map((item: Json, index) => ({ value: item, path: `${own}[${index}]` }));
  if (value === undefined || value === null) {
    findings.add('must', own, section, 'an array', show(value));
    return undefined;
  }
  findings.add(single, own, section, 'an array, be it of one', show(value));
  return [{ value, path: own }];
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
