/** Driving by contract, with a server that does what the test says. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import type { SenderContract } from '../../../harness/model/contract.ts';
import {
  type LabNetwork,
  type MessageStatus,
  type OutgoingMessage,
  SenderError,
  type SubmissionServer,
} from '../../../harness/model/sender.ts';
import { drive } from '../../../harness/senders/contract/drive.ts';

/** On a busy machine it takes what it takes. */
const PATIENT = { timeout: 20_000 };

afterEach(() => {
  vi.useRealTimers();
});

describe('being ready', () => {
  it('takes the line and the greeting', async () => {
    const stage = setUp();
    stage.starts({ line: 'ready to serve', greets: true });
    await using _ = await stage.drive();
    expect(stage.did).toEqual(['start', 'greets 10.0.0.1:2525']);
  });

  it('takes the greeting alone where the contract knows no line; who does not greet is asked again', async () => {
    const stage = setUp({ ready: { withinSeconds: 60 } });
    stage.starts({ greets: true, silent: 2 });
    await using _ = await stage.drive();
    expect(stage.did).toEqual(['start', ...Array(3).fill('greets 10.0.0.1:2525')]);
  });

  const never = (title: string, is: Start, message: string) =>
    it(`${title}: says which key it is, and the server has ended`, async () => {
      vi.useFakeTimers();
      const stage = setUp();
      stage.starts(is);
      const failed = expect(stage.drive()).rejects.toThrow(new SenderError(message));
      await vi.advanceTimersByTimeAsync(60_000);
      await failed;
      expect(stage.did.at(-1)).toBe('end');
      // Nobody asks on.
      await vi.advanceTimersByTimeAsync(10_000);
      expect(stage.did.at(-1)).toBe('end');
      expect(vi.getTimerCount()).toBe(0);
    });
  never(
    'no line',
    { line: 'starting', greets: true },
    'fake was not ready within 60 s (ready.within): it printed no line that matches ready.log (^ready)',
  );
  never(
    'no greeting',
    { line: 'ready', greets: false },
    'fake was not ready within 60 s (ready.within): it did not greet at port 2525 (submit.port)',
  );

  it('is not for one that has died before: its last words are told', async () => {
    const stage = setUp();
    stage.starts({
      line: 'starting',
      greets: false,
      dies: 'fake exited with code 1; its last words: no such file',
    });
    await expect(stage.drive()).rejects.toThrow(
      'fake exited with code 1; its last words: no such file',
    );
    expect(stage.did).toEqual(['start', 'end']);
  });

  it('is not for one that cannot be started', async () => {
    const stage = setUp();
    stage.starts({ fails: 'no such image' });
    await expect(stage.drive()).rejects.toThrow('no such image');
  });
});

describe('a running server', () => {
  it('that dies later says so, once', async () => {
    const stage = await running();
    stage.die('fake exited with code 7');
    expect((await stage.sender.died)?.message).toBe('fake exited with code 7');
  });

  it('tells what became of each message', async () => {
    const stage = await running();
    await stage.sender.submit(message('a'));
    stage.say(`to=${message('a').to} sent`);
    stage.say('to=root@victim.test sent');
    await vi.waitFor(() => expect(stage.statuses).not.toEqual([]), PATIENT);
    expect(stage.statuses).toEqual([
      { token: message('a').token, status: 'delivered', detail: `to=${message('a').to} sent` },
    ]);
  });

  it('that does not take a message: told with its name, and made fit to print', async () => {
    const stage = await running();
    stage.refuses('554 \x1b[2Jno');
    await expect(stage.sender.submit(message('a'))).rejects.toThrow(
      new SenderError('fake did not take the message: 554 \\x1b[2Jno'),
    );
  });

  it('has a way to do only what the contract has a command for', async () => {
    const { sender } = await running({ commands: {} });
    expect([sender.queued, sender.advance, sender.report]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const full = await running();
    await full.sender.advance!(3600, ['a.test', 'b.test']);
    expect(await full.sender.queued!()).toEqual([message('e').token]);
    expect(full.did.slice(-2)).toEqual(['age SECONDS=3600 DOMAINS=a.test b.test', 'queue']);
    await full.sender.report!(['a.test']);
    expect(full.did.slice(-2)).toEqual(['report DOMAINS=a.test', 'caught up']);
  });

  it('is ended when the sender is', async () => {
    const stage = await running();
    await stage.sender[Symbol.asyncDispose]();
    expect(stage.did.at(-1)).toBe('end');
  });
});

describe('flush', () => {
  it('at the same time is one command, for the domains of all', async () => {
    const stage = await running();
    const first = stage.hold();
    const flushed = [stage.sender.flush(['a.test'])];
    await vi.waitFor(() => expect(stage.did.at(-1)).toBe('flush DOMAINS=a.test'), PATIENT);
    flushed.push(stage.sender.flush(['b.test', 'c.test']), stage.sender.flush(['d.test']));
    first();
    await Promise.all(flushed);
    expect(stage.did.slice(-2)).toEqual([
      'flush DOMAINS=a.test',
      'flush DOMAINS=b.test c.test d.test',
    ]);
  });

  it('that takes too long for many domains is told how to have fewer', async () => {
    const stage = await running();
    const late = 'in fake, flush took longer than 60 s';
    stage.fails(late);
    await expect(stage.sender.flush(['a.test', 'b.test'])).rejects.toThrow(
      new SenderError(`${late} for 2 domains: with --jobs fewer scenarios run at the same time`),
    );
    await expect(stage.sender.flush(['a.test'])).rejects.toThrow(new SenderError(late));
    stage.fails('in fake, flush exited with code 1');
    await expect(stage.sender.flush(['a.test', 'b.test'])).rejects.toThrow(
      new SenderError('in fake, flush exited with code 1'),
    );
  });

  it('is a restart where the contract says so', async () => {
    const stage = await running({ commands: { flush: 'restart' } });
    stage.starts({ line: 'ready', greets: true });
    await stage.sender.flush(['a.test']);
    expect(stage.did.slice(-2)).toEqual(['restart', 'greets 10.0.0.1:2525']);
  });
});

describe('restart', () => {
  it('waits for a new line: the one of the first start does not count', async () => {
    const stage = await running();
    stage.starts({ line: 'starting', greets: true, address: '10.0.0.2' });
    let restarted = false;
    const restarting = stage.sender.restart!().then(() => {
      restarted = true;
    });
    await vi.waitFor(() => expect(stage.did.at(-1)).toBe('restart'), PATIENT);
    await new Promise(setImmediate);
    expect(restarted).toBe(false);
    stage.say('ready again');
    await restarting;
    // Its address may be another now.
    await stage.sender.submit(message('a'));
    expect(stage.did.slice(-2)).toEqual([
      'greets 10.0.0.2:2525',
      `submit ${message('a').token} to 10.0.0.2`,
    ]);
  });
});

describe('limits.parallel', () => {
  it('lets so many in; a status makes room, and a refusal does', async () => {
    const stage = await running({ parallel: 2 });
    const submitted = () =>
      stage.did.filter((one) => one.startsWith('submit')).map((one) => one.split(' ')[1]);
    const all = ['a', 'b', 'c', 'd', 'e'].map(message);
    const [a, b, c, d, e] = all.map(({ token }) => token);
    await Promise.all(all.slice(0, 2).map(stage.sender.submit));
    const waiting = all.slice(2).map(stage.sender.submit);
    await new Promise(setImmediate);
    expect(submitted()).toEqual([a, b]);

    stage.say(`to=${a}@victim.test deferred (no TLS)`);
    // It has left: what is said of it later makes no room.
    stage.say(`to=${a}@victim.test sent`);
    await waiting[0];
    expect(submitted()).toEqual([a, b, c]);

    stage.refuses('452 full');
    stage.say(`to=${b}@victim.test sent`);
    await expect(waiting[1]).rejects.toThrow('452 full');
    await expect(waiting[2]).rejects.toThrow('452 full');
    expect(submitted()).toEqual([a, b, c, d, e]);
  });

  it('does not wait for ever for what is never said', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const stage = await running({ parallel: 1 });
    await stage.sender.submit(message('a'));
    const waiting = stage.sender.submit(message('b'));
    await vi.advanceTimersByTimeAsync(180_000);
    await waiting;
    stage.say(`to=${message('b').to} sent`);
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

// ---- a server on a stage ----

/** How the server is, from its next start on. */
interface Start {
  /** What it prints. */
  readonly line?: string;
  readonly greets?: boolean;
  /** How often it is asked in vain before. */
  readonly silent?: number;
  readonly address?: string;
  /** Its last words. */
  readonly dies?: string;
  readonly fails?: string;
}

const CONTRACT: SenderContract = {
  name: 'fake',
  summary: 'a fake',
  version: '1',
  place: { kind: 'external', dns: '10.0.0.9', addresses: '10.0.128.0/17' },
  trust: '/ca.pem',
  ready: { log: '^ready', withinSeconds: 60 },
  submit: { port: 2525, starttls: false },
  log: {
    from: 'stdout',
    sent: '^to=(?<recipient>\\S+) sent$',
    deferred: '^to=(?<recipient>\\S+) deferred \\((?<reason>.*)\\)$',
    bounced: '^to=(?<recipient>\\S+) bounced$',
  },
  commands: { flush: 'flush', queue: 'queue', age: 'age', report: 'report' },
  capabilities: [],
  parallel: 100,
  instances: 'shared',
  differs: [],
};

function message(letter: string): OutgoingMessage {
  const token = `hf${letter.repeat(12)}`;
  return { token, from: 'probe@sender.test', to: `${token}@victim.test`, data: '' };
}

function setUp(changes: Partial<SenderContract> = {}) {
  const contract = { ...CONTRACT, ...changes };
  const did: string[] = [];
  const statuses: MessageStatus[] = [];
  const died = Promise.withResolvers<SenderError>();
  let is: Start = {};
  let refusal: string | undefined;
  let failure: string | undefined;
  let silent = 0;
  let held: Promise<void> = Promise.resolve();
  let tell = (_: string) => {};

  const begin = () => {
    silent = is.silent ?? 0;
    if (is.line !== undefined) tell(is.line);
    if (is.dies !== undefined) died.resolve(new SenderError(is.dies));
  };
  const network: LabNetwork = {
    async caughtUp() {
      did.push('caught up');
    },
    async greets({ host, port }: SubmissionServer) {
      did.push(`greets ${host}:${port}`);
      return is.greets === true && silent-- <= 0;
    },
    async submit({ host }, { token }) {
      did.push(`submit ${token} to ${host}`);
      if (refusal !== undefined) throw new Error(refusal);
    },
  };
  return {
    did,
    statuses,
    say: (line: string) => tell(line),
    die: (words: string) => died.resolve(new SenderError(words)),
    starts(next: Start) {
      is = next;
    },
    refuses(text: string) {
      refusal = text;
    },
    /** Commands from now on. */
    fails(message: string) {
      failure = message;
    },
    /** Commands do not end before what is returned is called. */
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
    drive: () =>
      drive({
        contract,
        network,
        onStatus: (status) => statuses.push(status),
        async startServer(onLine) {
          if (is.fails !== undefined) throw new SenderError(is.fails);
          tell = onLine;
          did.push('start');
          begin();
          return {
            host: async () => is.address ?? '10.0.0.1',
            async run(command, environment = {}) {
              did.push(
                [
                  command,
                  ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
                ].join(' '),
              );
              await held;
              if (failure !== undefined) throw new SenderError(failure);
              return `${message('e').token}@victim.test`;
            },
            async restart() {
              did.push('restart');
              begin();
            },
            died: died.promise,
            async [Symbol.asyncDispose]() {
              did.push('end');
            },
          };
        },
      }),
  };
}

/** A server that is ready. */
async function running(changes?: Partial<SenderContract>) {
  const stage = setUp(changes);
  stage.starts({ line: 'ready', greets: true });
  return { ...stage, sender: await stage.drive() };
}
