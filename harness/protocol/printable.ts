/**
 * Printable: what a sender or the wire says is hostile input, and people read it on terminals and
 * in CI logs.
 *
 * Escaped are: control characters of C0 and C1 and with them every ANSI sequence; bidirectional
 * overrides and whatever else has no shape of its own (Trojan Source, CVE-2021-42574); lone
 * surrogates; and line openings that a CI runner takes for a command: `::name …` once leading
 * blanks are gone, `##[name]` and `##vso[…]` anywhere in a line.
 */

/**
 * Control, format, surrogate, private, unassigned; line and paragraph separators; what a font is
 * told to ignore.
 */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const COMMAND_AT_START = /^(\s*):(?=:[a-z])/i;
const COMMAND_ANYWHERE = /#(?=#\w*\[)/g;

/**
 * One line that is safe to show, of at most `limit` characters: `\x1b[31m` for an escape sequence,
 * `\n`, `\u202e`, `…` for the rest. Backslashes stay as they are, so what was escaped once stays
 * the same when escaped again.
 */
export function printable(text: string, limit = 300): string {
  // Escaping only adds characters: what lies past the limit now cannot come back into it.
  const escaped = text
    .slice(0, limit + 1)
    .replace(UNPRINTABLE, escapeCharacter)
    .replace(COMMAND_ANYWHERE, '\\x23')
    .replace(COMMAND_AT_START, '$1\\x3a');
  if (escaped.length <= limit) return escaped;
  return `${escaped.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/**
 * The same for a text of several lines: line ends and tabs stay, and each line is cut at 2,000
 * characters.
 */
export function printableLines(text: string): string {
  return text.replace(/[^\n\t]+/g, (part) => printable(part, 2000));
}

/**
 * A value as JSON text, the same value when parsed, in which no string can act on a terminal or a
 * CI runner.
 */
export function printableJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, null, indent)
    .replace(UNPRINTABLE, (character) =>
      character === '\n' ? character : [...utf16(character)].join(''),
    )
    .replace(COMMAND_ANYWHERE, '\\u0023');
}

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escapeCharacter(character: string): string {
  const point = character.codePointAt(0)!;
  const hex = point.toString(16);
  if (point > 0xffff) return `\\u{${hex}}`;
  return (
    NAMED[character] ??
    (point < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`)
  );
}

/** The code units of a character, as JSON writes them (RFC 8259 §7). */
function* utf16(character: string): Generator<string> {
  for (let at = 0; at < character.length; at++)
    yield `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
}

/** `1 query`, `2 queries`. */
export function counted(howMany: number, one: string, many = `${one}s`): string {
  return `${howMany} ${howMany === 1 ? one : many}`;
}

/** At most so many of the items, and in place of the rest `and 3 more`. */
export function fewOf(items: readonly string[], most: number): readonly string[] {
  const more = items.length - most;
  return more > 0 ? [...items.slice(0, most), `and ${more} more`] : items;
}
