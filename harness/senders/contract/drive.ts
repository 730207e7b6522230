/**
 * Driving a mail server by its contract: what servers in containers and servers elsewhere have in
 * common.
 */

import { inBatches } from '../../concurrency/batch.ts';
import { limited, openPlaces } from '../../concurrency/limit.ts';
import type { SenderContract } from '../../model/contract.ts';
import { tokensIn } from '../../model/message.ts';
import {
  type LabNetwork,
  type MessageStatus,
  SenderError,
  type StartedSender,
  UncarriedError,
} from '../../model/sender.ts';
import { TOO_LATE } from '../../process/shell.ts';
import { printable } from '../../protocol/printable.ts';
import { readLog } from './log.ts';

/** A server that was started. */
export interface Server extends AsyncDisposable {
  /** Where it takes mail. */
  host(): Promise<string>;
  /** At which port of it, if that is not the contract's. */
  port?(): Promise<number>;
  /** What a command of the contract prints. Throws SenderError when it fails. */
  run(command: string, environment?: Readonly<Record<string, string>>): Promise<string>;
  restart(): Promise<void>;
  readonly died: Promise<SenderError>;
}

export interface Driving {
  readonly contract: SenderContract;
  readonly network: LabNetwork;
  readonly onStatus: (status: MessageStatus) => void;
  readonly onLine?: (line: string) => void;
  /** Starts the server, whose log is told line by line. */
  startServer(onLine: (line: string) => void): Promise<Server>;
}

const GREETING_RETRY_MS = 100;

/**
 * Throws SenderError when the server does not start, or is not ready in time; then it has ended.
 */
export async function drive({
  contract,
  network,
  onStatus,
  onLine,
  startServer,
}: Driving): Promise<StartedSender> {
  const { name, commands, ready, submit } = contract;
  const places = openPlaces(contract.parallel, LONGEST_STAY_MS);
  let sawReady = Promise.withResolvers<void>();
  const log = readLog(contract, {
    onReady: () => sawReady.resolve(),
    async onStatuses(statuses) {
      for (const { token } of statuses) places.leave(token);
      // The log comes by another way than what the lab saw, which was before it and has to stand
      // before it in the evidence. One question to the lab is enough for lines that came together.
      await network.caughtUp();
      for (const status of statuses) onStatus(status);
    },
  });
  const server = await startServer((line) => {
    onLine?.(line);
    log.take(line);
  });
  const died = Promise.race([server.died, log.broken]);
  let target = { ...submit, host: '' };

  const whenReady = async () => {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new SenderError(lateness(contract, sawLine))),
      ready.withinSeconds * 1000,
    );
    let sawLine = ready.log === undefined;
    let over = false;
    const comeUp = async () => {
      if (ready.log !== undefined) await sawReady.promise;
      sawLine = true;
      const port = (await server.port?.()) ?? submit.port;
      target = { ...submit, host: await server.host(), port };
      while (!over && !(await network.greets(target)))
        await new Promise((resolve) => setTimeout(resolve, GREETING_RETRY_MS));
    };
    try {
      await Promise.race([
        comeUp(),
        late.promise,
        died.then((error): never => {
          throw error;
        }),
      ]);
    } finally {
      over = true;
      clearTimeout(timer);
    }
  };
  const restart = async () => {
    sawReady = Promise.withResolvers();
    await server.restart();
    await whenReady();
  };
  const { flush, queue, age, refresh, report } = commands;
  const flushAll = inBatches(async (domains: readonly string[]) => {
    if (flush === undefined || flush === 'restart') await restart();
    else
      await server
        .run(flush, { DOMAINS: domains.join(' ') })
        .catch((error: Error) => Promise.reject(ofMany(error, domains.length)));
  });
  const listAll = inBatches(async () => tokensIn(await server.run(queue!)));
  // No batches: the days of other scenarios are not over.
  const reportAll = limited(REPORTS_AT_ONCE, async (domains: readonly string[]) => {
    await server.run(report!, { DOMAINS: domains.join(' ') });
    // What it has sent by now belongs to the step in which it was asked to.
    await network.caughtUp();
  });

  try {
    await whenReady();
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return {
    ...(submit.from !== undefined && { from: submit.from }),
    ...(contract.attempts !== undefined && { attempts: contract.attempts }),
    async submit(message) {
      await places.enter(message.token);
      try {
        await network.submit(target, message);
      } catch (error) {
        places.leave(message.token);
        if (error instanceof UncarriedError) throw error;
        throw new SenderError(
          `${name} did not take the message: ${printable(error instanceof Error ? error.message : String(error))}`,
        );
      }
    },
    flush: flushAll,
    ...(queue === undefined ? {} : { queued: () => listAll([]) }),
    ...(refresh === undefined
      ? {}
      : {
          async refresh(domains: readonly string[]) {
            await server.run(refresh, { DOMAINS: domains.join(' ') });
          },
        }),
    ...(report === undefined ? {} : { report: reportAll }),
    ...(age === undefined
      ? {}
      : {
          async advance(seconds: number, domains: readonly string[]) {
            await server.run(age, { SECONDS: String(seconds), DOMAINS: domains.join(' ') });
          },
        }),
    restart,
    died,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function lateness({ name, ready, submit }: SenderContract, sawLine: boolean): string {
  const what = sawLine
    ? `did not greet at port ${submit.port} (submit.port)`
    : `printed no line that matches ready.log (${printable(ready.log ?? '', 80)})`;
  return `${name} was not ready within ${ready.withinSeconds} s (ready.within): it ${what}`;
}

/** Too late with many domains at once is not too late with fewer. */
function ofMany(error: Error, domains: number): Error {
  if (domains === 1 || !error.message.endsWith(TOO_LATE)) return error;
  return new SenderError(
    `${error.message} for ${domains} domains: with --jobs fewer scenarios run at the same time`,
  );
}

/** A program started for each takes the machine's time from the others, and each has a minute. */
const REPORTS_AT_ONCE = 16;

/**
 * A message has a place from its submission until the sender says what became of it; or for so
 * long, when a run has given it up.
 */
const LONGEST_STAY_MS = 180_000;
