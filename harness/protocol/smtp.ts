/**
 * SMTP as text (RFC 5321): replies, read however the bytes come in pieces, and command lines.
 * Nothing here opens a socket.
 *
 * Text is what the bytes were decoded to, best as latin1, so that a length here is a length in
 * octets.
 */

import { upperAscii } from './ascii.ts';
import { fail, ok, type Parsed, type Violation } from './parsed.ts';

export interface Reply {
  readonly code: number;
  /** The text of each line, without code, separator and CRLF. At least one. */
  readonly lines: readonly string[];
}

export interface ReplyLine {
  readonly code: number;
  /** False: more lines follow. */
  readonly last: boolean;
  readonly text: string;
}

/**
 * Reads one line of a reply, given without its CRLF. Rules: `reply-code`, `reply-separator`,
 * `control-character`.
 */
export function parseReplyLine(line: string): Parsed<ReplyLine> {
  // §4.2: Reply-code = %x32-35 %x30-35 %x30-39
  if (!/^[2-5][0-5][0-9]/.test(line)) {
    return fail({
      rule: 'reply-code',
      section: REPLY_SECTION,
      message: 'a reply begins with a three-digit code',
      column: 1,
    });
  }
  // §4.2.1: the SP may be left out where no text follows.
  const separator = line[3] ?? ' ';
  if (separator !== ' ' && separator !== '-') {
    return fail({
      rule: 'reply-separator',
      section: REPLY_SECTION,
      message: 'after the code comes "-" or a space',
      column: 4,
    });
  }
  // textstring = 1*(%d09 / %d32-126); octets above are let in, since RFC 6531 §3.7.4 allows UTF-8
  // and servers sent it before that.
  const control = line.search(/[\x00-\x08\x0a-\x1f\x7f]/);
  if (control !== -1) {
    return fail({
      rule: 'control-character',
      section: REPLY_SECTION,
      message: 'a reply has no control characters',
      column: control + 1,
    });
  }
  return ok({ code: Number(line.slice(0, 3)), last: separator === ' ', text: line.slice(4) });
}

/** The reply as sent, CRLF included. */
export function formatReply({ code, lines }: Reply): string {
  const texts = lines.length > 0 ? lines : [''];
  // §4.2.1: a server should send the SP even where no text follows.
  return texts
    .map((text, index) => `${code}${index === texts.length - 1 ? ' ' : '-'}${text}\r\n`)
    .join('');
}

export interface ReplyReader {
  /** The replies that this piece of text completes; none once there is a violation. */
  push(text: string): readonly Reply[];
  /**
   * What has come in and makes no whole reply yet. Text here, or a further reply, when the 220 to
   * STARTTLS is read came in clear behind it: somebody injects (RFC 3207 §6).
   */
  pending(): string;
  /**
   * Why reading stopped: the rules of parseReplyLine, `bare-lf`, `line-too-long`, `code-changes`,
   * `too-many-lines`; line from 1.
   */
  violation(): Violation | undefined;
}

export interface ReplyLimits {
  /**
   * Characters, CRLF included. RFC 5321 §4.5.3.1.5 has servers stay within 512 and clients take
   * more where they can.
   */
  readonly maxLineLength?: number;
  /** Lines of one reply. */
  readonly maxLines?: number;
}

/**
 * A reader of one connection's replies. However the text is cut, the replies and the violation are
 * the same.
 */
export function createReplyReader({
  maxLineLength = 2048,
  maxLines = 128,
}: ReplyLimits = {}): ReplyReader {
  let partial = '';
  let begun: ReplyLine[] = [];
  let lineNumber = 1;
  let violation: Violation | undefined;

  function push(text: string): readonly Reply[] {
    const replies: Reply[] = [];
    for (let start = 0; start < text.length && !violation; ) {
      const newline = text.indexOf('\n', start);
      const end = newline === -1 ? text.length : newline + 1;
      partial += text.slice(start, end);
      start = end;
      if (partial.length > maxLineLength)
        violation = broken('line-too-long', `a line is over ${maxLineLength} long`);
      else if (newline !== -1) violation = endLine(replies);
    }
    return replies;
  }

  function endLine(replies: Reply[]): Violation | undefined {
    // RFC 5321 §2.3.8: a line ends in CRLF and nothing else.
    if (!partial.endsWith('\r\n')) return broken('bare-lf', 'a line ends in CRLF, not in LF alone');
    const line = parseReplyLine(partial.slice(0, -2));
    if (!line.ok) return { ...line.violation, line: lineNumber };
    // §4.2.1: every line of a reply has the same code.
    if (begun.length > 0 && begun[0]!.code !== line.value.code)
      return broken('code-changes', 'the lines of one reply have the same code');
    if (begun.length === maxLines)
      return broken('too-many-lines', `a reply has more than ${maxLines} lines`);
    begun.push(line.value);
    partial = '';
    lineNumber++;
    if (line.value.last) {
      replies.push({ code: line.value.code, lines: begun.map(({ text }) => text) });
      begun = [];
    }
    return undefined;
  }

  function broken(rule: string, message: string): Violation {
    return { rule, section: REPLY_SECTION, message, line: lineNumber };
  }

  return {
    push,
    pending: () => begun.map(({ code, text }) => `${code}-${text}\r\n`).join('') + partial,
    violation: () => violation,
  };
}

export interface Command {
  /** Upper case; empty for an empty line. */
  readonly verb: string;
  readonly argument: string;
}

/**
 * Cuts a command line, with or without its CRLF, at the first space (§4.1.1; white space at the end
 * is forgiven).
 */
export function parseCommand(line: string): Command {
  const text = line.trimEnd();
  const space = text.indexOf(' ');
  if (space === -1) return { verb: upperAscii(text), argument: '' };
  return { verb: upperAscii(text.slice(0, space)), argument: text.slice(space + 1).trimStart() };
}

/**
 * The extensions that a reply to EHLO offers: keyword in upper case → its parameters as sent. Of a
 * repeated keyword the first counts. Lines that are no ehlo-line (§4.1.1.1) offer nothing, nor does
 * a reply other than 250.
 */
export function parseEhlo({ code, lines }: Reply): Map<string, string> {
  const offered = new Map<string, string>();
  if (code !== 250) return offered;
  // The first line is the server's name and greeting.
  for (const line of lines.slice(1)) {
    const { verb: keyword, argument } = parseCommand(line);
    if (isKeyword(keyword) && !offered.has(keyword)) offered.set(keyword, argument);
  }
  return offered;
}

export interface MailPath {
  /**
   * As written between the angle brackets, less any source route; empty for the null reverse-path.
   */
  readonly address: string;
  /** Keyword in upper case → value; empty for a keyword without one. */
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * Reads the argument of MAIL or RCPT: `FROM:<a@b> SIZE=1`. Rules: `path`, `parameter`; columns
 * within the argument.
 */
export function parsePath(argument: string): Parsed<MailPath> {
  // §3.3 forbids the space after the colon; servers forgive it, and so does this.
  const opening = /^(?:FROM|TO):[ \t]*</i.exec(argument)?.[0].length;
  const end = opening === undefined ? -1 : closingBracket(argument, opening);
  if (end === -1)
    return fail({
      rule: 'path',
      section: 'RFC 5321 §4.1.2',
      message: 'expected FROM:<address> or TO:<address>',
      column: 1,
    });
  const path = argument.slice(opening, end);
  const parameters = parseParameters(argument, end + 1);
  // §4.1.2, appendix C: a source route (`@a,@b:`) is accepted and ignored.
  const address = path.startsWith('@') ? path.slice(path.indexOf(':') + 1) : path;
  return parameters.ok ? ok({ address, parameters: parameters.value }) : parameters;
}

/**
 * Index of the ">" that closes the path: not one within a quoted local part (`"a>b"@c`), where a
 * backslash takes the next as it is.
 */
function closingBracket(text: string, start: number): number {
  let quoted = false;
  for (let index = start; index < text.length; index++) {
    const character = text[index];
    if (character === '"') quoted = !quoted;
    else if (character === '\\' && quoted) index++;
    else if (character === '>' && !quoted) return index;
  }
  return -1;
}

/** *( SP keyword ["=" value] ) */
function parseParameters(argument: string, start: number): Parsed<ReadonlyMap<string, string>> {
  const parameters = new Map<string, string>();
  const [before, ...rest] = argument.slice(start).split(' ');
  let column = start + 1;
  if (before !== '') return badParameter(column);
  for (const part of rest) {
    column++;
    const equals = part.indexOf('=');
    const keyword = upperAscii(equals === -1 ? part : part.slice(0, equals));
    if (part !== '' && !isKeyword(keyword)) return badParameter(column);
    if (part !== '' && !parameters.has(keyword))
      parameters.set(keyword, equals === -1 ? '' : part.slice(equals + 1));
    column += part.length;
  }
  return ok(parameters);
}

function badParameter(column: number): Parsed<never> {
  return fail({
    rule: 'parameter',
    section: 'RFC 5321 §4.1.2',
    message: 'after the path come parameters: a space, then KEYWORD or KEYWORD=value',
    column,
  });
}

/** (ALPHA / DIGIT) *(ALPHA / DIGIT / "-"), in upper case. */
function isKeyword(text: string): boolean {
  return text !== '' && !text.startsWith('-') && !/[^A-Z0-9-]/.test(text);
}

const REPLY_SECTION = 'RFC 5321 §4.2';
