/**
 * DNS names as text: one spelling for every name, so that names can be compared as strings (RFC
 * 1035 §2.3, RFC 4343, RFC 5890).
 */

import { lowerAscii } from './ascii.ts';

/**
 * The one spelling of a name: ASCII in lower case, no trailing dot, U-labels as A-labels. The root
 * is `.`. Labels of any other ASCII stay as they are: `_mta-sts`, `*`. Throws NameError for a name
 * that cannot be in the DNS.
 */
export function normalizeName(name: string): string {
  if (name === '.') return name;
  const text = name.endsWith('.') ? name.slice(0, -1) : name;
  const normal = text.split('.').map(normalizeLabel).join('.');
  // RFC 1035 §2.3.4: 255 octets on the wire, which is 253 characters of text.
  if (normal.length > 253)
    throw new NameError(
      `${quote(name)} is no DNS name: ${normal.length} characters, and 253 are the most`,
    );
  return normal;

  function normalizeLabel(label: string): string {
    if (label === '') throw new NameError(`${quote(name)} is no DNS name: it has an empty label`);
    const ascii = NON_ASCII.test(label) ? toALabel(label) : lowerAscii(label);
    if (ascii.length > 63)
      throw new NameError(
        `${quote(name)} is no DNS name: the label ${quote(ascii)} is longer than 63 characters`,
      );
    return ascii;
  }
}

/**
 * The labels of a name, leftmost first, spelled as normalizeName does; none for the root. Throws
 * NameError.
 */
export function labelsOf(name: string): readonly string[] {
  const normal = normalizeName(name);
  return normal === '.' ? [] : normal.split('.');
}

/** Whether `name` is `parent` or lies below it (RFC 1034 §3.1). Throws NameError. */
export function isSubdomainOf(name: string, parent: string): boolean {
  const above = normalizeName(parent);
  const below = normalizeName(name);
  return above === '.' || below === above || below.endsWith(`.${above}`);
}

/**
 * Whether the text is a Domain as RFC 5321 §4.1.2 writes it: letters, digits and inner hyphens, no
 * trailing dot, no U-label. A dotted quad is none, though its letters fit: RFC 1123 §2.1 says a
 * host name never has that form.
 */
export function isDomain(text: string): boolean {
  return (
    text.length <= 253 && text.split('.').every(isLdhLabel) && !/^\d+\.\d+\.\d+\.\d+$/.test(text)
  );
}

/** A name that cannot be in the DNS. */
export class NameError extends Error {}

const NON_ASCII = /[^\x00-\x7f]/;

function isLdhLabel(label: string): boolean {
  return label.length <= 63 && /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/.test(label);
}

/**
 * The A-label of one U-label, by the IDNA of the URL parser (UTS 46). Its traps: it decodes percent
 * signs, drops tabs, cuts at `/`, `?`, `#`, `@` and `:`, and takes digits at the end of a host for
 * an IPv4 address; hence the letters asked for and the `.x` put behind.
 */
function toALabel(label: string): string {
  const host = /[^\w\-\u0080-\uffff]/.test(label)
    ? undefined
    : URL.parse(`http://${label}.x`)?.hostname;
  const ascii = host?.slice(0, -'.x'.length);
  // UTS 46 maps some characters to dots; then it was more than one label.
  if (ascii === undefined || ascii === '' || ascii.includes('.'))
    throw new NameError(`${quote(label)} is no U-label (RFC 5890 §2.3.2.1)`);
  return ascii;
}

/** For messages: quoted, control characters escaped, at most 80 characters. */
function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text);
}
