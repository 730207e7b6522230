/**
 * Log lines to statuses. The log is the sender's own words: a line counts when it matches a pattern
 * of the contract, and whom it is about is told by the token in the recipient's address.
 */

import type { LogPattern, LogPatterns } from '../../model/contract.ts';
import { tokensIn } from '../../model/message.ts';
import type { MessageStatus } from '../../model/sender.ts';

const LONGEST_DETAIL_CHARS = 500;
/** Reasons that wait for the line that they belong to. */
const MOST_REASONS = 1_000;

/** What is found in a line, by name: `recipient`, `reason`, `id`. */
type Found = Readonly<Record<string, string | undefined>>;

/**
 * What a line says, one status for each recipient that it names; none for lines that say nothing of a
 * message. `onPattern` is told the key of each pattern before it is tried.
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
    for (const [status, key, find] of patterns) {
      onPattern(key);
      const found = find(line);
      const tokens = tokensIn(found?.recipient ?? '');
      if (tokens.length === 0) continue;
      const reason = found?.reason ?? reasons.get(found?.id ?? '') ?? line;
      const detail = reason.slice(0, LONGEST_DETAIL_CHARS);
      return tokens.map((token) => ({ token, status, detail }));
    }
    onPattern('log.reason');
    const { id, reason } = findReason?.(line) ?? {};
    if (id !== undefined && reason !== undefined) remember(reasons, id, reason);
    return [];
  };
}

/** A line has no line end: `.` stands for whatever is in it, U+2028 and a stray CR as well. */
export function patternOf(expression: string): RegExp {
  return new RegExp(expression, 's');
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
    const expression = patternOf(pattern);
    return (line) => expression.exec(line)?.groups;
  }
  const expressions = Object.entries(pattern).map(([name, one]) => [name, patternOf(one)] as const);
  return (line) => {
    const value = objectIn(line);
    if (!value || !expressions.every(([name, one]) => one.test(textAt(value, name) ?? '')))
      return undefined;
    const names = Object.entries(fields ?? {});
    return Object.fromEntries(names.map(([what, name]) => [what, textAt(value, name)]));
  };
}

function objectIn(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The member of this name, as text; `a.b` is one within another. */
function textAt(value: object, name: string): string | undefined {
  const member = name
    .split('.')
    .reduce<unknown>(
      (inner, key) =>
        typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key)
          ? (inner as Record<string, unknown>)[key]
          : undefined,
      value,
    );
  if (member === undefined || member === null) return undefined;
  return typeof member === 'string' ? member : JSON.stringify(member);
}
