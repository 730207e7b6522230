/**
 * The log of a sender: what it writes of a message that is delivered, of one that is kept and of
 * one that is given up, each line with what the contract takes it for. What the patterns of a
 * contract are made from, and what their test keeps (samples.log).
 */

import { openExamination } from '../doctor/examination.ts';
import { HONEST_CHECKS } from '../doctor/honest-checks.ts';
import { createLog, type Log } from '../doctor/log.ts';
import { QUEUE_CHECKS } from '../doctor/queue-checks.ts';
import { openLab } from '../labs/open.ts';
import type { SenderContract } from '../model/contract.ts';
import { type Sender, SenderError } from '../model/sender.ts';
import { UsageError } from '../model/usage.ts';
import { printable } from '../protocol/printable.ts';
import { builtInSender } from '../senders/built-in.ts';
import { statusReader } from '../senders/contract/statuses.ts';
import { contractOf, senderOf } from '../senders/find.ts';
import { EXIT, type Terminal } from './terminal.ts';

const { takesMail, deliversOverTls, logsSent } = HONEST_CHECKS;
const { logsUnreachable, logsBusy, logsBounced, flushes } = QUEUE_CHECKS;
const CHECKS = [
  takesMail,
  deliversOverTls,
  logsSent,
  logsUnreachable,
  logsBusy,
  logsBounced,
  flushes,
];
const LONGEST_LINE_CHARS = 2_000;
const WORDS = { delivered: 'sent', deferred: 'deferred', bounced: 'bounced' } as const;

/**
 * Prints `sent …`, `deferred …`, `bounced …` or `none …`, a line each, for every line of the log
 * that names a message. 0: there was one of each kind. 1: there was not. 70: the sender could not be
 * started or driven; what it had logged by then is printed. Throws UsageError for a sender without a
 * log.
 */
export async function log(name: string, terminal: Terminal): Promise<number> {
  const sender = await senderOf(name);
  if (await builtInSender(name)) throw new UsageError(`${name} is built in, and writes no log`);
  const contract = await contractOf(name);
  const { signal, complain } = terminal;
  const statusOf = statusReader(contract.log);
  const heard = createLog();
  const failed = await provoke(sender, contract, heard, terminal).catch((error: unknown) => {
    if (error instanceof SenderError) return error;
    throw error;
  });
  if (signal.aborted) return EXIT.interrupted;
  const kinds = heard.mentions().map((line) => {
    const [status] = statusOf(line);
    return { kind: status ? WORDS[status.status] : 'none', line };
  });
  for (const { kind, line } of kinds)
    terminal.write(`${kind} ${printable(line, LONGEST_LINE_CHARS)}\n`);
  if (failed) {
    complain(failed.message);
    return EXIT.harnessBroke;
  }
  const missing = Object.values(WORDS).filter((word) => !kinds.some(({ kind }) => kind === word));
  for (const word of missing) complain(`no line matched log.${word}`);
  return missing.length === 0 ? 0 : 1;
}

/**
 * Has it deliver, keep and give up mail. Throws SenderError, which says at what where that is not the
 * start.
 */
async function provoke(
  sender: Sender,
  contract: SenderContract,
  log: Log,
  { signal, complain }: Terminal,
): Promise<undefined> {
  const ready = (await sender.prepare?.(complain, signal)) ?? sender;
  await using lab = await openLab(ready.lab ?? 'loopback', complain, { signal });
  await using examination = await openExamination({ lab, sender: ready, contract, log });
  for (const check of CHECKS) {
    if (signal.aborted) return;
    await check.run(examination).catch((error: unknown) => {
      if (!(error instanceof SenderError)) throw error;
      throw new SenderError(`“${check.name}” failed: ${error.message}`);
    });
  }
}
