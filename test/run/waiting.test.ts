/**
 * How long a trial waits for a sender, and what it takes for a try: a sender that hesitates is not
 * one that refuses.
 */

import { Resolver } from 'node:dns/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, startLab } from '../../harness/lab/lab.ts';
import type { TrialResult } from '../../harness/model/reporter.ts';
import type { StartedSender } from '../../harness/model/sender.ts';
import { ofKind } from '../../harness/model/traffic.ts';
import { opportunisticSender } from '../../harness/senders/opportunistic.ts';
import { type Habit, runWithHabit } from './habit.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const kinds = ({ trial }: TrialResult) => trial.evidence.observations.map(({ kind }) => kind);

/** It defers the first message that it is given, having done nothing for it. */
const defersUntried: Habit = (sender, tell) => {
  const kept: Parameters<StartedSender['submit']>[0][] = [];
  return {
    async submit(message) {
      kept.push(message);
      tell({ token: message.token, status: 'deferred', detail: 'the connection was closed' });
    },
    async flush(domains) {
      for (const message of kept.splice(0)) await sender.submit(message);
      await sender.flush(domains);
    },
  };
};

test('a message that was deferred without a try is tried again in the same step', async () => {
  const [result] = await runWithHabit(lab, '  - { send: a, expect: [delivered] }\n', defersUntried);
  expect(result!.verdict.grade).toBe('pass');
  expect(kinds(result!)).toContain('queue-flushed');
});

test('a recipient that was put aside is tried again, though another of the message was tried', async () => {
  const [result] = await runWithHabit(
    lab,
    '  - { send: a, to: [victim.test, other.test], expect: [delivered] }\n',
    (sender, tell) => {
      const kept: Parameters<StartedSender['submit']>[0][] = [];
      return {
        async submit({ also, ...first }) {
          if (!also) return sender.submit(first);
          kept.push(first);
          await sender.submit({ ...first, ...also[0]! });
          tell({ token: first.token, status: 'deferred', detail: 'put aside' });
        },
        async flush() {
          for (const message of kept.splice(0)) await sender.submit(message);
        },
      };
    },
    { head: 'domain: { others: { other.test: [mx.other.test] } }\n' },
  );
  expect(result!.verdict.grade).toBe('pass');
  expect(kinds(result!)).toContain('queue-flushed');
});

test('what was done at a host of two domains may have been for the one alone: the queue is run', async () => {
  const [result] = await runWithHabit(
    lab,
    '  - { send: a, to: [victim.test, other.test], expect: [deferred] }\n',
    (sender, tell) => ({
      async submit({ also, ...first }) {
        await sender.submit(first);
        while ((await sender.queued!()).length > 0) await new Promise(setImmediate);
        if (also) tell({ token: also[0]!.token, status: 'deferred', detail: 'after the same try' });
      },
    }),
    { head: 'domain: { others: { other.test: [mx1.victim.test] } }\n' },
  );
  expect(kinds(result!)).toContain('queue-flushed');
});

test('a recipient that was put aside before another was tried is tried again', async () => {
  const [result] = await runWithHabit(
    lab,
    '  - { send: a, to: [victim.test, other.test], expect: [delivered] }\n',
    (sender, tell) => {
      const kept: Parameters<StartedSender['submit']>[0][] = [];
      return {
        async submit({ also, ...first }) {
          if (!also) return sender.submit(first);
          tell({ token: also[0]!.token, status: 'deferred', detail: 'before the try' });
          kept.push({ ...first, ...also[0]! });
          await sender.submit(first);
        },
        async flush() {
          for (const message of kept.splice(0)) await sender.submit(message);
        },
      };
    },
    { head: 'domain: { others: { other.test: [mx1.victim.test] } }\n' },
  );
  expect(result!.verdict.grade).toBe('pass');
  expect(kinds(result!)).toContain('queue-flushed');
});

test('the queue is run once more where it was run too early', async () => {
  const [result] = await runWithHabit(
    lab,
    '  - { send: a, under: [block-mx], expect: [deferred] }\n  - recover\n',
    (sender, tell) => {
      let token = '';
      let isEarly = true;
      return {
        submit(message) {
          token = message.token;
          return sender.submit(message);
        },
        async flush(domains) {
          if (!isEarly) return sender.flush(domains);
          isEarly = false;
          tell({ token, status: 'deferred', detail: 'of the try before' });
        },
      };
    },
  );
  expect(result!.verdict.grade).toBe('pass');
  expect(kinds(result!).filter((kind) => kind === 'queue-flushed')).toHaveLength(2);
});

test('who sends one message in each run of the queue has it run until all are sent', async () => {
  const [result] = await runWithHabit(
    lab,
    '  - { send: a, messages: 5, under: [block-mx], expect: [deferred] }\n  - recover\n',
    (sender) => {
      const kept: Parameters<StartedSender['submit']>[0][] = [];
      return {
        async submit(message) {
          kept.push(message);
          await sender.submit(message);
        },
        async flush() {
          const next = kept.shift();
          if (next) await sender.submit(next);
        },
        queued: async () => kept.map(({ token }) => token),
      };
    },
  );
  expect(result!.verdict.grade).toBe('pass');
});

/** It defers the first message for a domain, having looked something up for it. */
const putsNewDomainsOff =
  (look: (resolver: Resolver, domain: string) => Promise<unknown>): Habit =>
  (sender, tell, { dns }) => {
    const known = new Set<string>();
    const kept: Parameters<StartedSender['submit']>[0][] = [];
    return {
      async submit(message) {
        const [, domain = ''] = message.to.split('@');
        if (known.has(domain)) return sender.submit(message);
        known.add(domain);
        kept.push(message);
        const resolver = new Resolver({ timeout: 1500, tries: 1 });
        resolver.setServers([`${dns.address}:${dns.port}`]);
        await look(resolver, domain).catch(() => {});
        tell({ token: message.token, status: 'deferred', detail: 'a new domain' });
      },
      async flush(domains) {
        for (const message of kept.splice(0))
          if (domains.includes(message.to.split('@')[1]!)) await sender.submit(message);
          else kept.push(message);
        await sender.flush(domains);
      },
    };
  };

test('who puts mail for a new domain off has its queue run, where nothing is attacked', async () => {
  const [result] = await runWithHabit(
    lab,
    '  - prime\n  - { send: a, under: [strip-starttls], expect: [{ delivered: plain }] }\n',
    putsNewDomainsOff((resolver, domain) => resolver.resolve4(domain)),
  );
  expect(result!.verdict.grade).toBe('pass');
});

test('a silence is not taken for a deferral while the sender waits for the name server', async () => {
  const [result] = await runWithHabit(
    lab,
    '  - { send: a, under: [{ hide-sts-record: drop }], expect: [delivered] }\n',
    (sender, _tell, { dns }) => {
      const tokens: string[] = [];
      return {
        async submit(message) {
          tokens.push(message.token);
          const resolver = new Resolver({ timeout: 1500, tries: 1 });
          resolver.setServers([`${dns.address}:${dns.port}`]);
          const record = `_mta-sts.${message.to.split('@')[1]}`;
          const looked = resolver.resolveTxt(record).catch(() => []);
          void looked.then(() => sender.submit(message));
        },
        queued: async () => tokens,
      };
    },
  );
  expect(result!.verdict.grade).toBe('pass');
  expect(kinds(result!)).not.toContain('queue-listed');
});

test('a queue that was listed while the sender began to try says nothing', async () => {
  const [result] = await runWithHabit(
    lab,
    '  - { send: a, under: [], expect: [delivered] }\n',
    (sender, _tell, { dns }) => {
      const held: Parameters<StartedSender['submit']>[0][] = [];
      return {
        submit: async (message) => void held.push(message),
        async queued() {
          const tokens = held.map(({ token }) => token);
          for (const message of held.splice(0)) {
            const resolver = new Resolver({ timeout: 1500, tries: 1 });
            resolver.setServers([`${dns.address}:${dns.port}`]);
            await resolver.resolveMx(message.to.split('@')[1]!);
            void sender.submit(message);
          }
          return tokens;
        },
      };
    },
  );
  expect(result!.verdict.grade).toBe('pass');
  const listed = ofKind(result!.trial.evidence.observations, 'queue-listed');
  expect(listed.flatMap(({ tokens }) => tokens)).toEqual([]);
});

test('a message that has arrived, and left the queue, is done with though the log never says so', async () => {
  const plain = opportunisticSender();
  const [result] = await runWithHabit(
    lab,
    '  - { send: a, under: [], expect: [delivered] }\n',
    () => ({ queued: async () => [] }),
    { plain: { ...plain, start: (access) => plain.start(access, () => {}) } },
  );
  expect(result!.verdict.grade).toBe('pass');
  expect(kinds(result!)).not.toContain('settle-timeout');
});

test('a bounce is waited for while the sender is at work on it', async () => {
  const [result] = await runWithHabit(
    lab,
    '  - { send: a, under: [], expect: [{ bounced: { requirement: 5321-4.5.4.1-queue } }] }\n',
    (_sender, tell, { dns }) => ({
      async submit({ token, to }) {
        const resolver = new Resolver({ timeout: 1500, tries: 1 });
        resolver.setServers([`${dns.address}:${dns.port}`]);
        const looks = () => resolver.resolveMx(to.split('@')[1]!);
        const later = (seconds: number, then: () => unknown) => setTimeout(then, seconds * 1000);
        await looks();
        tell({ token, status: 'deferred', detail: 'not now' });
        later(4, looks);
        later(7, () => tell({ token, status: 'bounced', detail: 'given up' }));
      },
    }),
    { settleMs: 20_000 },
  );
  const said = ofKind(result!.trial.evidence.observations, 'sender-status');
  expect(said.map(({ status }) => status)).toContain('bounced');
});

test('the worlds of a trial have no connection in common', async () => {
  const step = '  - { send: a, under: [], expect: [delivered] }\n';
  const [result] = await runWithHabit(lab, step + step, () => ({}));
  const opened = ofKind(result!.trial.evidence.observations, 'smtp-connection');
  expect(new Set(opened.map(({ leg }) => leg))).toContain('control');
  expect(new Set(opened.map(({ connection }) => connection)).size).toBe(opened.length);
});
