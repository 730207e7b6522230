/**
 * The MTA-STS record (RFC 8461 §3.1): the TXT record at `_mta-sts.<Policy Domain>` that says there
 * is a policy, and which one.
 */

import {
  type Extensions,
  formatExtensions,
  parseFields,
  type RecordGrammar,
  selectRecord,
} from './fields.ts';
import { fail, ok, type Parsed } from './parsed.ts';

export interface StsRecord {
  readonly version: 'STSv1';
  /** Any other id than the cached one means a new policy; ids have no order. */
  readonly id: string;
  readonly extensions: Extensions;
}

/**
 * The record among all TXT records of the name, each given with its character-strings joined with
 * nothing in between. Rules `no-record` and `multiple-records`, or those of parseStsRecord; each
 * means that no policy is available.
 */
export function selectStsRecord(txts: readonly string[]): Parsed<StsRecord> {
  const selected = selectRecord(txts, GRAMMAR);
  return selected.ok ? parseStsRecord(selected.value) : selected;
}

/**
 * Reads one record. Rules: `version`, `id-missing`, `id-syntax`, `field-syntax`, `field-name`,
 * `extension-value`.
 */
export function parseStsRecord(text: string): Parsed<StsRecord> {
  const fields = parseFields(text, GRAMMAR);
  if (!fields.ok) return fields;
  const { required: id, extensions } = fields.value;
  if (!/^[A-Za-z0-9]{1,32}$/.test(id.value)) {
    return fail({
      rule: 'id-syntax',
      section: GRAMMAR.section,
      message: 'an id is 1 to 32 ASCII letters or digits',
      column: id.column,
    });
  }
  return ok({ version: 'STSv1', id: id.value, extensions });
}

/** `v=STSv1; id=1;` The values are written as they are, not checked. */
export function formatStsRecord({
  id,
  extensions = [],
}: {
  readonly id: string;
  readonly extensions?: Extensions;
}): string {
  return `${GRAMMAR.version}; id=${id}${formatExtensions(extensions)};`;
}

const GRAMMAR: RecordGrammar = { version: 'v=STSv1', required: 'id', section: 'RFC 8461 §3.1' };
