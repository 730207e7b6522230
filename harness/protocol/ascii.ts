/**
 * ASCII as ABNF means it (RFC 5234 §2.3 and B.1): letters are equal whatever their case, and
 * nothing beyond ASCII is touched.
 *
 * `toLowerCase` and `toUpperCase` will not do: they turn U+212A (Kelvin sign) into `k` and U+017F
 * (long s) into `S`, so that a name or a keyword nobody offered would match. A regular expression
 * for trailing blanks will not do either: it takes quadratic time.
 */

/** The text with A-Z in lower case. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** The text with a-z in upper case. */
export function upperAscii(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

/** Index of the first character from `start` on that is no WSP (SP or HTAB). */
export function skipWsp(text: string, start = 0): number {
  let index = start;
  while (isWsp(text[index])) index++;
  return index;
}

/** The text without the WSP at its end. */
export function trimWspEnd(text: string): string {
  let end = text.length;
  while (isWsp(text[end - 1])) end--;
  return text.slice(0, end);
}

function isWsp(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}
