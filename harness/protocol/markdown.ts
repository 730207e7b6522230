/**
 * Markdown (CommonMark, and what GitHub and GitLab add): hostile text in it stays text. It opens no
 * HTML, no link, no image and no code, mentions nobody, and ends no table cell.
 */

import { printable, printableLines } from './printable.ts';

/** What opens or closes something wherever it stands (CommonMark §2.4 lets a backslash undo it). */
const ACTS = /[\\`*_{}[\]<>|~$]/g;
/** What does at the beginning of a line: headings, lists, rules, numbers of lists. */
const ACTS_AT_START = /^(\s*\d*)([#+=.)-])/;
/**
 * Mentions, references and bare addresses are looked for in the text that is left, where no backslash
 * helps; a comment in the middle does.
 */
const CALLS = /@(?=\w)|#(?=\d)|&(?=[#\w])|:(?=\/\/)|\b(?:www|xmpp|mailto)(?=[.:])/gi;
const NOTHING = '<!-- -->';

/** One line of text of at most `limit` characters before escaping; may stand in a table cell. */
export function markdownText(text: string, limit?: number): string {
  return printable(text, limit)
    .replace(ACTS, '\\$&')
    .replace(ACTS_AT_START, '$1\\$2')
    .replace(CALLS, (found) => (found === '&' ? '&amp;' : `${found}${NOTHING}`));
}

/** One line of code of at most `limit` characters, in backticks; may stand in a table cell. */
export function markdownCode(text: string, limit?: number): string {
  const shown = printable(text, limit).replaceAll('|', '\\|');
  const fence = '`'.repeat(longestRun(shown) + 1);
  const pad = shown.startsWith('`') || shown.endsWith('`') || shown === '' ? ' ' : '';
  return `${fence}${pad}${shown}${pad}${fence}`;
}

/** A block of lines as they stand, closed by nothing within them. */
export function markdownBlock(text: string, language = ''): string {
  const shown = printableLines(text);
  const fence = '`'.repeat(Math.max(3, longestRun(shown) + 1));
  return `${fence}${language}\n${shown.replace(/\n$/, '')}\n${fence}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map(({ length }) => length));
}
