/**
 * Log lines to statuses. The log is the sender's own words: a line counts when it matches a pattern
 * of the contract, and whom it is about is told by the token in the recipient's address.
 */

import type { LogPattern, LogPatterns } from '../../model/contract.ts';
import { tokensIn } from '../../model/message.ts';
import type { MessageStatus } from '../../model/sender.ts';
import { beginningOf } from '../../process/lines.ts';

const LONGEST_DETAIL_CHARS = 500;
/** Reasons that wait for the line that they belong to. */
const MOST_REASONS = 1_000;

/** What is found in a line, by name: `recipient`, `reason`, `id`. */
type Found = Readonly<Record<string, string | undefined>>;

/**
 * What a line says, one status for each recipient that it names, by the first pattern that names it;
 * none for lines that say nothing of a message. `onPattern` is told the key of each pattern before it
 * is tried.
 */
export function statusReader(
  log: LogPatterns,
  onPattern: (key: string) => void = () => {},
): (line: string) => readonly MessageStatus[] {
  const patterns = [
    ['delivered', 'log.sent', finderOf(log.sent, log)],
    ['deferred', 'log.deferred', finderOf(log.deferred, log)],
    ['bounced', 'log.bounced', finderOf(log.bounced, log)],
  ] as const;
  const findReason = log.reason === undefined ? undefined : finderOf(log.reason, log);
  const reasons = new Map<string, string>();
  return (line) => {
    const statuses = new Map<string, MessageStatus>();
    for (const [status, key, find] of patterns) {
      onPattern(key);
      const found = find(line);
      const reason = found?.reason ?? reasons.get(found?.id ?? '') ?? line;
      const detail = beginningOf(reason).slice(0, LONGEST_DETAIL_CHARS);
      for (const token of tokensIn(beginningOf(found?.recipient ?? '')))
        if (!statuses.has(token)) statuses.set(token, { token, status, detail });
    }
    if (statuses.size > 0) return [...statuses.values()];
    onPattern('log.reason');
    const { id, reason } = findReason?.(line) ?? {};
    if (id !== undefined && reason !== undefined) remember(reasons, id, beginningOf(reason));
    return [];
  };
}

/**
 * Tries a pattern on the beginning of a line. A line has no line end: `.` stands for whatever is in it,
 * U+2028 and a stray CR as well.
 */
export function patternOf(expression: string): (line: string) => RegExpExecArray | null {
  const compiled = new RegExp(expression, 's');
  return (line) => compiled.exec(beginningOf(line));
}

/** The last reason counts; the oldest ones go. */
function remember(reasons: Map<string, string>, id: string, reason: string): void {
  reasons.delete(id);
  reasons.set(id, reason);
  const [oldest] = reasons.keys();
  if (reasons.size > MOST_REASONS) reasons.delete(oldest!);
}

function finderOf(
  pattern: LogPattern,
  { fields }: LogPatterns,
): (line: string) => Found | undefined {
  if (typeof pattern === 'string') {
    const match = patternOf(pattern);
    return (line) => match(line)?.groups;
  }
  const members = Object.entries(pattern).map(([name, one]) => [name, patternOf(one)] as const);
  return (line) => {
    const value = objectIn(line);
    if (!value || !members.every(([name, match]) => match(textAt(value, name) ?? '')))
      return undefined;
    const names = Object.entries(fields ?? {});
    return Object.fromEntries(names.map(([what, name]) => [what, textAt(value, name)]));
  };
}

/** It may have a prefix, such as that of syslog. */
function objectIn(line: string): object | undefined {
  const start = line.indexOf('{');
  if (start === -1) return undefined;
  try {
    const value: unknown = JSON.parse(line.slice(start));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The member of this name, as text. */
function textAt(value: object, name: string): string | undefined {
  const member = memberAt(value, name);
  if (member === undefined || member === null) return undefined;
  return typeof member === 'string' ? member : JSON.stringify(member);
}

/** `a.b` is the member of that name or, where there is none, one within another. */
function memberAt(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Object.hasOwn(value, name)) return (value as Record<string, unknown>)[name];
  for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
    const outer = name.slice(0, dot);
    if (!Object.hasOwn(value, outer)) continue;
    const inner = memberAt((value as Record<string, unknown>)[outer], name.slice(dot + 1));
    if (inner !== undefined) return inner;
  }
  return undefined;
}
