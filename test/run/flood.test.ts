/**
 * A server that never stops telling, or asking: its trial ends by itself, decides nothing that was
 * not proven before, and keeps nobody from stopping the run.
 */

import { Resolver } from 'node:dns/promises';
import net from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, startLab } from '../../harness/lab/lab.ts';
import { MOST_OBSERVATIONS } from '../../harness/lab/recorder.ts';
import type { TrialResult } from '../../harness/model/reporter.ts';
import type { LabAccess } from '../../harness/model/sender.ts';
import { referenceSender } from '../../harness/senders/reference/index.ts';
import { type Habit, runWithHabit } from './habit.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** Of a trial that was cut short: decided nothing, and says why. */
function expectFlooded({ verdict, trial }: TrialResult, most: string) {
  expect(verdict.grade).toBe('inconclusive');
  expect(verdict.remarks.join()).toContain(`most of them ${most}: the sender did not stop`);
  const { observations } = trial.evidence;
  const rest = observations.slice(MOST_OBSERVATIONS).map(({ kind }) => kind);
  expect(rest).toEqual(['flooded', 'lab-health']);
}

const ONE_MESSAGE = '  - { send: a, expect: [delivered] }\n';

test('a log that tells of one message without end', async () => {
  const told = await runWithHabit(lab, ONE_MESSAGE, (_sender, tell) => ({
    async submit({ token }) {
      for (let line = 0; line < 50_000; line++) {
        tell({ token, status: 'deferred', detail: 'x'.repeat(100) });
        if (line % 20 === 0) await setImmediate();
      }
    },
  }));
  expectFlooded(told[0]!, 'sender-status');
});

/** The exchanger of a domain, as a sender finds it. */
async function dial({ dns, route }: LabAccess, domain: string): Promise<net.Socket> {
  const resolver = new Resolver();
  resolver.setServers([`${dns.address}:${dns.port}`]);
  const [mx] = await resolver.resolveMx(domain);
  const [address] = await resolver.resolve4(mx!.exchange);
  const { address: host, port } = route(address!, 25)!;
  return net.connect({ host, port });
}

const EHLO = 'EHLO x.test\r\n';

test('EHLO without end', async () => {
  const told = await runWithHabit(lab, ONE_MESSAGE, (_sender, _tell, access) => ({
    async submit({ to }) {
      const socket = await dial(access, to.split('@')[1]!);
      socket.on('error', () => {}).on('data', () => socket.write(EHLO));
    },
  }));
  expectFlooded(told[0]!, 'smtp-reply');
});

test('what was proven before the flood stays proven', async () => {
  const step = '  - { send: a, under: [strip-starttls], expect: [enforced] }\n';
  const submitted: string[] = [];
  const flood: Habit = (sender, tell) => ({
    async submit(message) {
      await sender.submit(message);
      if (submitted.push(message.token) === 1) return;
      // Until it has sent the message in clear.
      while ((await sender.queued!()).includes(message.token)) await setImmediate();
      for (let line = 0; line < 50_000; line++) {
        tell({ token: message.token, status: 'deferred', detail: 'x' });
        if (line % 20 === 0) await setImmediate();
      }
    },
  });
  const plain = referenceSender({ traits: ['plaintext-when-starttls-missing'] });
  const [told] = await runWithHabit(lab, `  - prime\n${step}`, flood, { plain });
  expect(told!.verdict.remarks.join()).toContain('the sender did not stop');
  expect(told!.verdict.grade).toBe('fail');
});

test('a signal in the middle of it ends the run', async () => {
  const stop = new AbortController();
  const told = await runWithHabit(
    lab,
    ONE_MESSAGE,
    (_sender, tell) => ({
      async submit({ token }) {
        for (let line = 0; !stop.signal.aborted; line++) {
          tell({ token, status: 'deferred', detail: 'x' });
          if (line === 1000) stop.abort();
          if (line % 20 === 0) await setImmediate();
        }
      },
    }),
    { signal: stop.signal },
  );
  expect(told).toEqual([]);
});
