/**
 * A mail, and what becomes of an attempt to deliver it.
 */

import { normalizeName } from '../../protocol/name.ts';
import type { Is } from './traits.ts';

export interface Mail {
  /** Empty: the null reverse-path (RFC 5321 §4.5.5). */
  readonly from: string;
  readonly to: string;
  /** RFC 5322 text with CRLF line ends. */
  readonly data: string;
  /** RFC 6152 */
  readonly body?: '8BITMIME';
  /** RFC 6531 */
  readonly smtputf8?: true;
  /** RFC 8689 §4.1: it was handed over with REQUIRETLS. */
  readonly requiretls?: boolean;
  /** RFC 8689 §4.1: it was not, and its header says `TLS-Required: No`. */
  readonly tlsOptional?: boolean;
}

export type AttemptResult =
  | { readonly kind: 'delivered'; readonly detail: string }
  /** `status`: for the bounce (RFC 3463). */
  | { readonly kind: 'permanent'; readonly detail: string; readonly status?: string }
  /** `byPolicy`: a policy, or REQUIRETLS, forbade delivery to at least one candidate. */
  | {
      readonly kind: 'temporary';
      readonly detail: string;
      readonly byPolicy: boolean;
      readonly status?: string;
    };

/** The domain of an address in its one spelling, or its address literal. Throws NameError. */
export function domainOf(address: string): string {
  const domain = address.slice(address.lastIndexOf('@') + 1);
  return literalOf(domain) ? domain : normalizeName(domain);
}

/** RFC 5321 §4.1.3: the address of a literal of IPv4. */
export function literalOf(domain: string): string | undefined {
  return /^\[([\d.]+)\]$/.exec(domain)?.[1];
}

/**
 * What went wrong, in words; of an OpenSSL error its reason, without the place in OpenSSL's source.
 */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
}

/** RFC 8689 §3: what the author says of TLS, in the header of the mail. */
export function isTlsOptional(data: string, is: Is): boolean {
  const header = data.slice(0, data.indexOf('\r\n\r\n') + 2);
  const front = is('tls-required-x') ? '(?:X-)?' : '';
  const end = is('tls-required-longer-names') ? '[\\w-]*' : '';
  const longer = is('tls-required-longer-values') ? 'No.*' : 'No';
  const value = is('tls-required-any-value') ? '.*' : longer;
  const field = new RegExp(`^${front}TLS-Required${end}:[ \\t]*${value}[ \\t]*\\r$`, 'im');
  return field.test(is('tls-required-anywhere') ? data : header);
}

/** RFC 6152 §3: 8-bit text for a server that takes none, in base64 (RFC 2045 §6.8). */
export function in7Bit(data: string): string {
  const end = data.indexOf('\r\n\r\n') + 4;
  const header = data.slice(0, end).replace(/^(Content-Transfer-Encoding:) 8bit/im, '$1 base64');
  const body = Buffer.from(data.slice(end)).toString('base64');
  return `${header}${body.replace(/.{1,76}/g, '$&\r\n')}`;
}
