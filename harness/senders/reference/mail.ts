/**
 * A mail, what becomes of an attempt to deliver it, and how hostile text is made fit to print.
 */

import { normalizeName } from '../../protocol/name.ts';

export interface Mail {
  /** Empty: the null reverse-path (RFC 5321 §4.5.5). */
  readonly from: string;
  readonly to: string;
  /** RFC 5322 text with CRLF line ends. */
  readonly data: string;
}

export type Outcome =
  | { readonly kind: 'delivered' | 'permanent'; readonly detail: string }
  /** `byPolicy`: an MTA-STS policy forbade delivery to at least one candidate. */
  | { readonly kind: 'temporary'; readonly detail: string; readonly byPolicy: boolean };

/** The domain of an address in its one spelling. Throws NameError. */
export function domainOf(address: string): string {
  return normalizeName(address.slice(address.lastIndexOf('@') + 1));
}

/** One line without control and format characters, not too long: fit for logs, status lines and bounces. */
export function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, '?');
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}...` : line;
}

const LONGEST_LINE = 500;

/** What went wrong, in words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
