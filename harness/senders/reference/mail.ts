/**
 * A mail, and what becomes of an attempt to deliver it.
 */

import { normalizeName } from '../../protocol/name.ts';

export interface Mail {
  /** Empty: the null reverse-path (RFC 5321 §4.5.5). */
  readonly from: string;
  readonly to: string;
  /** RFC 5322 text with CRLF line ends. */
  readonly data: string;
}

export type AttemptResult =
  | { readonly kind: 'delivered' | 'permanent'; readonly detail: string }
  /** `byPolicy`: an MTA-STS policy forbade delivery to at least one candidate. */
  | { readonly kind: 'temporary'; readonly detail: string; readonly byPolicy: boolean };

/** The domain of an address in its one spelling. Throws NameError. */
export function domainOf(address: string): string {
  return normalizeName(address.slice(address.lastIndexOf('@') + 1));
}

/**
 * What went wrong, in words; of an OpenSSL error its reason, without the place in OpenSSL's source.
 */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
}
