/**
 * The list `version; name=value; …` that MTA-STS records (RFC 8461 §3.1) and TLSRPT records (RFC
 * 8460 §3) share, and how the one record that counts is picked among the TXT records at a name.
 */

import { skipWsp, trimWspEnd } from './ascii.ts';
import { fail, ok, type Parsed, type Violation } from './parsed.ts';

/** What tells the two kinds of record apart. */
export interface RecordGrammar {
  /** `v=STSv1` */
  readonly version: string;
  /** The one field that the RFC defines; it is required. */
  readonly required: string;
  readonly section: string;
}

export interface Field {
  readonly value: string;
  /** Of the value, from 1. */
  readonly column: number;
}

/** Unknown fields, by name, first occurrences only, in order. */
export type Extensions = readonly (readonly [name: string, value: string])[];

/**
 * The one TXT record that counts, each given with its character-strings joined; rules `no-record`
 * and `multiple-records`.
 *
 * Undecided: the ABNF allows WSP before the `;` while this filter wants `v=STSv1;` to the letter
 * (RFC 8461 erratum 6285 would take the WSP out of the ABNF). We go by the letter, so `v=STSv1 ;`
 * is no record, nor a second one; and so for TLSRPT.
 */
export function selectRecord(
  txts: readonly string[],
  { version, section }: RecordGrammar,
): Parsed<string> {
  // The `;` keeps `v=STSv10;` from counting, which would else be a downgrade by adding a record.
  const records = txts.filter((txt) => txt.startsWith(`${version};`));
  if (records.length === 1) return ok(records[0]!);
  if (records.length === 0)
    return fail({ rule: 'no-record', section, message: `no TXT record begins with "${version};"` });
  return fail({
    rule: 'multiple-records',
    section,
    message: `${records.length} TXT records begin with "${version};" and only one may`,
  });
}

/**
 * Reads `version 1*(*WSP ";" *WSP field) [*WSP ";" *WSP]`: the required field, its value not yet
 * judged, and the others, well formed. Rules: `version`, `field-syntax`, `field-name`,
 * `extension-value`, and `<required>-missing`.
 */
export function parseFields(
  text: string,
  grammar: RecordGrammar,
): Parsed<{ readonly required: Field; readonly extensions: Extensions }> {
  const { version, section } = grammar;
  const [first = '', ...rest] = text.split(';');
  // The version comes first and in this case (%s in the ABNF).
  if (!first.startsWith(version) || (rest.length > 0 ? trimWspEnd(first) : first) !== version) {
    return fail({
      rule: 'version',
      section,
      message: `the record must begin with "${version};"`,
      column: 1,
    });
  }
  const fields = new Map<string, Field>();
  let start = first.length + 1;
  for (const [index, part] of rest.entries()) {
    const begin = skipWsp(part);
    const last = index === rest.length - 1;
    // The last ";" is optional. WSP belongs to the delimiter, so a record that ends in WSP must
    // have a ";" before it.
    if (last && begin === part.length) break;
    const content = (last ? part : trimWspEnd(part)).slice(begin);
    const at = start + begin + 1;
    const equals = content.indexOf('=');
    if (equals === -1)
      return fail({
        rule: 'field-syntax',
        section,
        message: 'each field is "name=value"',
        column: at,
      });
    const name = content.slice(0, equals);
    if (!isFieldName(name))
      return fail({ rule: 'field-name', section, message: FIELD_NAME_MESSAGE, column: at });
    // RFC 8461 §3.2: of a repeated field all but the first are ignored. Undecided whether that
    // binds TXT records (it stands in the policy's section), and RFC 8460 has no such sentence; the
    // first wins here too.
    if (!fields.has(name))
      fields.set(name, { value: content.slice(equals + 1), column: at + equals + 1 });
    start += part.length + 1;
  }
  return split(fields, grammar);
}

/** sts-ext-name, sts-policy-ext-name and tlsrpt-ext-name, which are the same. */
export function isFieldName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/.test(name);
}

export const FIELD_NAME_MESSAGE =
  'a field name is 1 to 32 letters, digits, "_", "-" or ".", and begins with a letter or digit';

/** `; name=value` for each. Not checked. */
export function formatExtensions(extensions: Extensions): string {
  return extensions.map(([name, value]) => `; ${name}=${value}`).join('');
}

function split(
  fields: ReadonlyMap<string, Field>,
  { required: requiredName, section, version }: RecordGrammar,
): ReturnType<typeof parseFields> {
  const extensions: [string, string][] = [];
  for (const [name, field] of fields) {
    if (name === requiredName) continue;
    const violation = extensionViolation(field, section);
    if (violation) return fail(violation);
    extensions.push([name, field.value]);
  }
  const required = fields.get(requiredName);
  if (!required)
    return fail({
      rule: `${requiredName}-missing`,
      section,
      message: `a ${version} record needs the field "${requiredName}"`,
    });
  return ok({ required, extensions });
}

/** ext-value = 1*(%x21-3A / %x3C / %x3E-7E) */
function extensionViolation({ value, column }: Field, section: string): Violation | undefined {
  const bad = value === '' ? 0 : value.search(/[^\x21-\x3a\x3c\x3e-\x7e]/);
  if (bad === -1) return undefined;
  return {
    rule: 'extension-value',
    section,
    message: 'a value is one or more visible ASCII characters, without "=" and ";"',
    column: column + bad,
  };
}
