/** Which scenario is served by which instance of a sender. */

import { expect, test } from 'vitest';
import type { Lab } from '../../harness/lab/lab.ts';
import type { Scenario, Step } from '../../harness/model/scenario.ts';
import {
  type MessageStatus,
  type Sender,
  SenderError,
  type StartedSender,
} from '../../harness/model/sender.ts';
import { type Instances, openInstances } from '../../harness/run/instances.ts';
import { scenarioOf } from '../evidence.ts';

const PLAIN = scenario([{ kind: 'recover', label: '' }]);
const AGEING = scenario([{ kind: 'advance', label: '', seconds: 60, isOptional: false }]);
const RESTARTING = scenario([{ kind: 'restart', label: '' }]);

test('run: one is started before all, serves all at once, and is not ended between', async () => {
  const { instances, log } = await open('run');
  expect(log).toEqual(['start 1']);
  const taken = [await take(instances, PLAIN), await take(instances, PLAIN)];
  expect(taken.map(({ n }) => n)).toEqual([1, 1]);
  await Promise.all(taken.map(({ release }) => release()));
  expect((await take(instances, PLAIN)).n).toBe(1);
  await instances[Symbol.asyncDispose]();
  expect(log).toEqual(['start 1', 'end 1']);
});

test('run: who restarts it gets another, alone, and the next who does gets it again', async () => {
  const { instances, log } = await open('run');
  const [plain, one, two] = [
    await take(instances, PLAIN),
    await take(instances, RESTARTING),
    await take(instances, RESTARTING),
  ];
  expect([plain.n, one.n, two.n]).toEqual([1, 2, 3]);
  await one.release();
  expect((await take(instances, RESTARTING)).n).toBe(2);
  await instances[Symbol.asyncDispose]();
  expect(log.slice(0, 3)).toEqual(['start 1', 'start 2', 'start 3']);
  expect(log.slice(3).sort()).toEqual(['end 1', 'end 2', 'end 3']);
});

test('trial: one at a time, and then the next', async () => {
  const { instances, log } = await open('trial');
  expect(log).toEqual([]);
  const [one, two] = [await take(instances, PLAIN), await take(instances, RESTARTING)];
  expect([one.n, two.n]).toEqual([1, 2]);
  await one.release();
  expect((await take(instances, RESTARTING)).n).toBe(1);
  await two.release();
  expect((await take(instances, PLAIN)).n).toBe(2);
  await instances[Symbol.asyncDispose]();
  expect(log.slice(2).sort()).toEqual(['end 1', 'end 2']);
});

test('trial: one that a trial has broken, or is still at work in, serves nobody else', async () => {
  const { instances, log } = await open('trial');
  await (await take(instances, PLAIN)).release(false);
  expect((await take(instances, PLAIN)).n).toBe(2);
  await instances[Symbol.asyncDispose]();
  expect(log).toEqual(['start 1', 'end 1', 'start 2', 'end 2']);
});

test('trial: one that was made older serves nobody else, and one that cannot be does', async () => {
  const { instances, log } = await open('trial', { advance: async () => {} });
  await (await take(instances, AGEING)).release();
  await (await take(instances, PLAIN)).release();
  expect((await take(instances, PLAIN)).n).toBe(2);
  await instances[Symbol.asyncDispose]();
  expect(log).toEqual(['start 1', 'end 1', 'start 2', 'end 2']);
  const ageless = await open('trial');
  await (await take(ageless.instances, AGEING)).release();
  expect((await take(ageless.instances, PLAIN)).n).toBe(1);
  await ageless.instances[Symbol.asyncDispose]();
});

test('run: the one that serves all goes on though it was made older', async () => {
  const { instances, log } = await open('run', { advance: async () => {} });
  await (await take(instances, AGEING)).release();
  expect((await take(instances, PLAIN)).n).toBe(1);
  expect(log).toEqual(['start 1']);
  await instances[Symbol.asyncDispose]();
});

test('scenario: each has its own, and it is ended', async () => {
  const { instances, log } = await open('scenario');
  const one = await take(instances, PLAIN);
  await one.release();
  const two = await take(instances, PLAIN);
  await two.release();
  expect(log).toEqual(['start 1', 'end 1', 'start 2', 'end 2']);
  await instances[Symbol.asyncDispose]();
  expect(log).toHaveLength(4);
});

test.each([['while it is free'], ['while it is taken']])(
  'one that has died %s serves nobody any more',
  async (when) => {
    const { instances, log, kill } = await open('trial');
    const one = await take(instances, PLAIN);
    if (when === 'while it is free') await one.release();
    await kill(1);
    if (when === 'while it is taken') await one.release();
    expect((await take(instances, PLAIN)).n).toBe(2);
    expect(instances.lost()).toBeUndefined();
    await instances[Symbol.asyncDispose]();
    expect(log).toEqual(['start 1', 'end 1', 'start 2', 'end 2']);
  },
);

test('when the one that serves all has died, all is lost, and why is known', async () => {
  const { instances, log, kill } = await open('run');
  const one = await take(instances, PLAIN);
  expect(instances.lost()).toBeUndefined();
  await kill(1);
  expect(instances.lost()?.message).toBe('sender 1 exited');
  await one.release();
  await instances[Symbol.asyncDispose]();
  expect(log).toEqual(['start 1', 'end 1']);
});

test('one that cannot be started takes nothing with it', async () => {
  const { instances, log, refuse } = await open('trial');
  const one = await take(instances, PLAIN);
  refuse('no more memory');
  await expect(take(instances, PLAIN)).rejects.toThrow('no more memory');
  await one.release();
  expect((await take(instances, PLAIN)).n).toBe(1);
  await instances[Symbol.asyncDispose]();
  expect(log).toEqual(['start 1', 'end 1']);
});

test('a status is told to whom its message belongs, as long as they are there', async () => {
  const { instances, say } = await open('run');
  const [one, two] = [await take(instances, PLAIN), await take(instances, PLAIN)];
  one.expect('a');
  two.expect('b');
  for (const token of ['a', 'b', 'c']) say(token);
  expect([one.heard, two.heard]).toEqual([['a'], ['b']]);
  await one.release();
  for (const token of ['a', 'b']) say(token);
  expect([one.heard, two.heard]).toEqual([['a'], ['b', 'b']]);
  await instances[Symbol.asyncDispose]();
});

/** Instances of a sender that does nothing, numbered as they were started. */
async function open(perInstance: Sender['perInstance'], more: Partial<StartedSender> = {}) {
  const log: string[] = [];
  const deaths: ((error: SenderError) => void)[] = [];
  let refusal: string | undefined;
  let tell = (_: MessageStatus) => {};
  const sender: Sender = {
    name: 'idle',
    version: '1',
    summary: '',
    capabilities: [],
    perInstance,
    unavailable: async () => undefined,
    async start(_, onStatus) {
      if (refusal !== undefined) throw new SenderError(refusal);
      tell = onStatus;
      const died = Promise.withResolvers<SenderError>();
      const n = deaths.push(died.resolve);
      log.push(`start ${n}`);
      const started: StartedSender & { n: number } = {
        n,
        submit: async () => {},
        flush: async () => {},
        ...more,
        died: died.promise,
        async [Symbol.asyncDispose]() {
          log.push(`end ${n}`);
        },
      };
      return started;
    },
  };
  // Nothing of the lab but its access is used, and that by the sender.
  const instances = await openInstances({ access: {} } as Lab, sender);
  return {
    instances,
    log,
    async kill(n: number) {
      deaths[n - 1]!(new SenderError(`sender ${n} exited`));
      await new Promise(setImmediate);
    },
    refuse(why: string) {
      refusal = why;
    },
    say: (token: string) => tell({ token, status: 'delivered', detail: '' }),
  };
}

async function take(instances: Instances, wanted: Scenario) {
  const heard: string[] = [];
  const { sender, expect, release } = await instances.take(wanted, ({ token }) =>
    heard.push(token),
  );
  return { n: (sender as StartedSender & { n: number }).n, heard, expect, release };
}

function scenario(steps: readonly Step[]): Scenario {
  return scenarioOf(steps);
}
