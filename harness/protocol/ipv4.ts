/**
 * IPv4 addresses and prefixes (RFC 4632 §3.1), as text and as numbers.
 */

/** A block of addresses that begins where its length lets a block begin. */
export interface Prefix {
  /** The first address, as a number. */
  readonly first: number;
  /** Bits that all its addresses share. */
  readonly length: number;
}

/** `10.9.128.0` as a number; undefined for what is no address. */
export function readAddress(text: string): number | undefined {
  const parts = text.split('.');
  if (
    parts.length !== 4 ||
    !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)
  )
    return undefined;
  return parts.reduce((number, part) => number * 256 + Number(part), 0);
}

export function showAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

/** `10.9.128.0/17`; undefined for what is no prefix, or does not begin on its boundary. */
export function readPrefix(text: string): Prefix | undefined {
  const [, address, bits] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  const first = address === undefined ? undefined : readAddress(address);
  const length = Number(bits);
  if (first === undefined || length > 32 || first % sizeOf({ first, length }) !== 0)
    return undefined;
  return { first, length };
}

export function showPrefix({ first, length }: Prefix): string {
  return `${showAddress(first)}/${length}`;
}

export function sizeOf({ length }: Prefix): number {
  return 2 ** (32 - length);
}

export function contains(prefix: Prefix, address: number): boolean {
  return address >= prefix.first && address < prefix.first + sizeOf(prefix);
}

/** The half with the higher addresses. */
export function upperHalf(prefix: Prefix): Prefix {
  return { first: prefix.first + sizeOf(prefix) / 2, length: prefix.length + 1 };
}
