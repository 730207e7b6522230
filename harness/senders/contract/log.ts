/**
 * Reading a server's log as it comes: lines that come together are read together. Patterns are the
 * contract's, and one may take for ever on some line (`(a+)+$`); it is not let.
 */

import type { SenderContract } from '../../model/contract.ts';
import { type MessageStatus, SenderError } from '../../model/sender.ts';
import { createDeadline } from '../../process/deadline.ts';
import { printable } from '../../protocol/printable.ts';
import { patternOf, statusReader } from './statuses.ts';

export interface LogReader {
  take(line: string): void;
  /** Resolves when a pattern took too long; nothing is read any more. */
  readonly broken: Promise<SenderError>;
}

export interface LogEvents {
  /** A line matches `ready.log`. */
  onReady(): void;
  /** Of lines that came together, in their order; at least one. */
  onStatuses(statuses: readonly MessageStatus[]): void;
}

/** For all lines that came together, which take a thousandth of that. */
const WITHIN_SECONDS = 5;

export function readLog(
  { name, log, ready }: Pick<SenderContract, 'name' | 'log' | 'ready'>,
  { onReady, onStatuses }: LogEvents,
): LogReader {
  let key = '';
  const statusOf = statusReader(log, (tried) => {
    key = tried;
  });
  const readyLine = ready.log === undefined ? undefined : patternOf(ready.log);
  const endsInTime = createDeadline(WITHIN_SECONDS * 1000);
  const broken = Promise.withResolvers<SenderError>();
  let isBroken = false;
  let waiting: string[] = [];

  const read = () => {
    const lines = waiting;
    waiting = [];
    const statuses: MessageStatus[] = [];
    let current = '';
    let isReady = false;
    const isOver = endsInTime(() => {
      for (const line of lines) {
        current = line;
        key = 'ready.log';
        isReady ||= Boolean(readyLine?.(line));
        statuses.push(...statusOf(line));
      }
    });
    if (isReady) onReady();
    if (statuses.length > 0) onStatuses(statuses);
    if (isOver) return;
    isBroken = true;
    broken.resolve(
      new SenderError(
        `${name}: the pattern ${key} takes longer than ${WITHIN_SECONDS} s on a line of the log, and was given up; make it simpler, with no repetition within a repetition. The line: ${printable(current, 200)}`,
      ),
    );
  };
  return {
    broken: broken.promise,
    take(line) {
      if (!isBroken && waiting.push(line) === 1) setImmediate(read);
    },
  };
}
