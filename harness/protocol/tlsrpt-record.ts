/**
 * The TLSRPT record (RFC 8460 §3): the TXT record at `_smtp._tls.<Policy Domain>` that says where
 * reports go.
 */

import { lowerAscii, skipWsp, trimWspEnd } from './ascii.ts';
import {
  type Extensions,
  type Field,
  formatExtensions,
  parseFields,
  type RecordGrammar,
  selectRecord,
} from './fields.ts';
import { fail, ok, type Parsed, type Violation } from './parsed.ts';

export interface TlsrptRecord {
  readonly version: 'TLSRPTv1';
  /** At least one, in order. */
  readonly rua: readonly ReportUri[];
  readonly extensions: Extensions;
}

export interface ReportUri {
  readonly uri: string;
  /** RFC 8460 §3 knows two schemes; a report never goes to any other. */
  readonly transport: 'mailto' | 'https' | 'unsupported';
}

/**
 * The record among all TXT records of the name, each given with its character-strings joined with
 * nothing in between. Rules `no-record` and `multiple-records`, or those of parseTlsrptRecord; each
 * means that no reports are wanted.
 */
export function selectTlsrptRecord(txts: readonly string[]): Parsed<TlsrptRecord> {
  const selected = selectRecord(txts, GRAMMAR);
  return selected.ok ? parseTlsrptRecord(selected.value) : selected;
}

/**
 * Reads one record. Rules: `version`, `rua-missing`, `rua-uri`, `field-syntax`, `field-name`,
 * `extension-value`.
 */
export function parseTlsrptRecord(text: string): Parsed<TlsrptRecord> {
  const fields = parseFields(text, GRAMMAR);
  if (!fields.ok) return fields;
  const rua = parseRua(fields.value.required);
  return rua.ok
    ? ok({ version: 'TLSRPTv1', rua: rua.value, extensions: fields.value.extensions })
    : rua;
}

/** The mailbox of a mailto URI (RFC 6068 §2); undefined: of another, or of none. */
export function mailboxOf(uri: string): string | undefined {
  const [, address] = /^mailto:([^?]+)/i.exec(uri) ?? [];
  try {
    return address && decodeURIComponent(address);
  } catch {
    return undefined;
  }
}

/** `v=TLSRPTv1; rua=mailto:a@d,https://r.d/x;` The values are written as they are, not checked. */
export function formatTlsrptRecord({
  rua,
  extensions = [],
}: {
  readonly rua: readonly string[];
  readonly extensions?: Extensions;
}): string {
  return `${GRAMMAR.version}; rua=${rua.join(',')}${formatExtensions(extensions)};`;
}

const GRAMMAR: RecordGrammar = { version: 'v=TLSRPTv1', required: 'rua', section: 'RFC 8460 §3' };

/** tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri): WSP only around the commas, not at either end. */
function parseRua({ value, column }: Field): Parsed<readonly ReportUri[]> {
  const parts = value.split(',');
  const uris: ReportUri[] = [];
  let start = column;
  for (const [index, part] of parts.entries()) {
    const begin = index === 0 ? 0 : skipWsp(part);
    const uri = (index === parts.length - 1 ? part : trimWspEnd(part)).slice(begin);
    const violation = uriViolation(uri);
    if (violation) return fail({ ...violation, column: start + begin + (violation.column ?? 0) });
    uris.push({ uri, transport: transportOf(uri) });
    start += part.length + 1;
  }
  return ok(uris);
}

/**
 * The characters of RFC 3986 less the "," "!" and ";" that RFC 8460 §3 wants encoded; the column
 * counts from 0.
 */
function uriViolation(uri: string): Violation | undefined {
  const rule = { rule: 'rua-uri', section: GRAMMAR.section };
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(uri))
    return { ...rule, message: 'rua is a comma-separated list of URIs, each with its scheme' };
  const bad = uri.search(/[^A-Za-z0-9\-._~:/?#[\]@$&'()*+=%]|%(?![0-9A-Fa-f]{2})/);
  if (bad === -1) return undefined;
  return {
    ...rule,
    message:
      'this character must be percent-encoded in a rua URI (RFC 3986; also "!", "," and ";")',
    column: bad,
  };
}

function transportOf(uri: string): ReportUri['transport'] {
  // RFC 3986 §3.1: schemes are case-insensitive.
  const scheme = lowerAscii(uri.slice(0, uri.indexOf(':')));
  return scheme === 'mailto' || scheme === 'https' ? scheme : 'unsupported';
}
