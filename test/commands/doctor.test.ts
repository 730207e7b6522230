import { Resolver } from 'node:dns/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { doctor } from '../../harness/commands/doctor.ts';
import type { SenderContract } from '../../harness/model/contract.ts';
import { type Sender, SenderError, type StartedSender } from '../../harness/model/sender.ts';
import { referenceSender } from '../../harness/senders/reference/index.ts';
import { testTerminal } from './terminal.ts';

const CONTRACT: SenderContract = {
  name: 'fake',
  summary: 'A server of the test',
  version: '1',
  place: { kind: 'container', image: 'fake:1', environment: {}, files: {} },
  trust: '/etc/ssl/ca.pem',
  ready: { log: 'ready', withinSeconds: 1 },
  submit: { port: 25, starttls: false },
  log: { from: 'stdout', sent: 'sent', deferred: 'deferred', bounced: 'bounced' },
  commands: {},
  capabilities: [],
  parallel: 50,
  // The clock of the reference sender is one for all domains.
  instances: 'exclusive',
  differs: [],
};
/** What the name `fake` stands for, beside its contract. */
const fake = vi.hoisted(() => ({
  sender: undefined as Sender | undefined,
  changes: {} as Partial<SenderContract>,
}));
vi.mock('../../harness/senders/find.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../harness/senders/find.ts')>();
  return {
    ...original,
    contractOf: async (name: string) =>
      name === 'fake' ? { ...CONTRACT, ...fake.changes } : original.contractOf(name),
    senderOf: async (name: string) => (name === 'fake' ? fake.sender! : original.senderOf(name)),
  };
});
afterEach(() => {
  fake.sender = undefined;
  fake.changes = {};
});

const reference = referenceSender();

/** What `doctor` prints and how it ends. A sender that is in this process needs little patience. */
async function examine(sender: string | Sender, signal = new AbortController().signal) {
  if (typeof sender !== 'string') fake.sender = sender;
  const { terminal, out } = testTerminal({ signal });
  const code = await doctor(typeof sender === 'string' ? sender : 'fake', terminal, 700);
  const lines = (mark: string) =>
    out()
      .split('\n')
      .filter((line) => line.startsWith(mark));
  return {
    out: out(),
    code,
    faults: lines('✗').map((line) => line.slice(2).split(' · ')[0]),
    skipped: lines('–'),
  };
}

/** The reference sender, its running self changed. */
function changed(
  change: (started: StartedSender, onLine: (line: string) => void) => Partial<StartedSender>,
): Sender {
  return {
    ...reference,
    async start(lab, onStatus, onLine) {
      const started = await reference.start(lab, onStatus);
      return { ...started, ...change(started, onLine ?? (() => {})) };
    },
  };
}

describe('a sender that keeps what it promises', () => {
  it('is told so, thing by thing', async () => {
    const { out, code, faults, skipped } = await examine('reference');
    expect({ code, faults, skipped }).toEqual({ code: 0, faults: [], skipped: [] });
    expect(out).toContain('reference 1: 21 proved · 0 to mend · 0 skipped');
  });

  it('is believed when it had kept a connection that was closed meanwhile, and puts mail off once more', async () => {
    const putOff = new Set<string>();
    const sender: Sender = {
      ...reference,
      async start(lab, onStatus) {
        const kept = new Set<string>();
        const started = await reference.start(lab, (status) => {
          if (status.status === 'deferred') kept.add(status.token);
          onStatus(status);
        });
        return {
          ...started,
          async flush(domains) {
            const key = domains.toSorted().join();
            if (putOff.has(key)) return started.flush(domains);
            putOff.add(key);
            for (const token of kept)
              onStatus({ token, status: 'deferred', detail: '421 closing an idle connection' });
          },
        };
      },
    };
    const { faults, out } = await examine(sender);
    expect(faults, out).toEqual([]);
    expect(putOff.size).toBeGreaterThan(0);
  });

  it.each([
    ['return at once what a policy keeps back', 'reference:bounces-at-once'],
    ['want TLS where no policy asks for it', 'reference:wants-tls'],
    ['keep connections open for what comes next', 'reference:reuses-connections'],
  ])('may %s', async (_, sender) => {
    const { faults, skipped, out } = await examine(sender);
    expect({ faults, skipped }, out).toEqual({ faults: [], skipped: [] });
  });

  it('is not asked for what it does not declare', async () => {
    const { code, faults, skipped } = await examine('opportunistic');
    expect({ code, faults }).toEqual({ code: 0, faults: [] });
    expect(skipped).toContain(
      '– fetches the MTA-STS policy · mta-sts not declared in capabilities',
    );
  });
});

describe('a sender that breaks a promise', () => {
  const breaks = (sender: string | Sender, ...wanted: string[]) =>
    it(`${typeof sender === 'string' ? sender : 'changed'}: ${wanted[0]}`, async () => {
      const { code, faults } = await examine(sender);
      expect({ code, faults }).toEqual({ code: 1, faults: wanted });
    });

  breaks('reference:forgets-cache-on-restart', 'policies outlive the restart');
  breaks('reference:forgets-cache-on-restart+wants-tls', 'policies outlive the restart');
  breaks('reference:ignores-max-age', 'commands.age makes policies older');
  breaks('reference:ignores-max-age+wants-tls', 'commands.age makes policies older');
  breaks(
    'reference:loses-mail',
    'commands.queue lists what is kept',
    'commands.flush retries what is kept',
  );
  breaks(
    'reference:reports-nothing',
    'commands.report sends what is due by HTTPS',
    'commands.report sends what is due by mail',
  );
  breaks(
    'reference:looks-for-reporting-elsewhere',
    'commands.report sends what is due by HTTPS',
    'commands.report sends what is due by mail',
  );
  breaks(
    changed(() => ({ flush: async () => {} })),
    'commands.flush retries what is kept',
  );
  breaks(
    changed(() => ({ advance: async () => {} })),
    'commands.age makes policies older',
  );
  breaks(
    {
      ...reference,
      start: (lab, onStatus) =>
        reference.start(
          { ...lab, trust: { ...lab.trust, policyHosts: lab.trust.mxHosts } },
          onStatus,
        ),
    },
    'fetches the MTA-STS policy',
  );
  breaks(
    {
      ...reference,
      start: (lab, onStatus) =>
        reference.start(
          { ...lab, trust: { ...lab.trust, mxHosts: lab.trust.policyHosts } },
          onStatus,
        ),
    },
    'delivers honest mail over TLS',
  );
});

it('a server that all scenarios share is not made older for all of them', async () => {
  fake.changes = { instances: 'shared' };
  const { code, faults, out } = await examine(changed(() => ({})));
  expect({ code, faults }).toEqual({ code: 1, faults: ['commands.age makes policies older'] });
  expect(out).toMatch(/the policy of another domain, .*, was made older as well/);
});

describe('words', () => {
  it('a sender that cannot be hurried to report breaks no promise, and is told what that means', async () => {
    const { code, skipped } = await examine(changed(() => ({ report: undefined })));
    expect({ code, skipped }).toEqual({
      code: 0,
      skipped: [
        '– commands.report sends what is due by HTTPS · there is no commands.report: that no report comes will prove nothing',
        '– commands.report sends what is due by mail · there is no commands.report: that no report comes will prove nothing',
      ],
    });
  });

  it('a report that does not come is told with how far it came', async () => {
    const saidOf = async (sender: string | Sender) =>
      (await examine(sender)).out.replace(/\s+/g, ' ');
    expect(await saidOf(changed(() => ({ report: async () => {} })))).toMatch(
      / seen commands\.report has ended, and the record _smtp\._tls\.victim\.\S+ was never looked up /,
    );
    const looksAndLeaves: Sender = {
      ...reference,
      async start(lab, onStatus) {
        const resolver = new Resolver();
        resolver.setServers([`${lab.dns.address}:${lab.dns.port}`]);
        const report = async ([domain]: readonly string[]) =>
          void (await resolver.resolveTxt(`_smtp._tls.${domain}`));
        return { ...(await reference.start(lab, onStatus)), report };
      },
    };
    expect(await saidOf(looksAndLeaves)).toMatch(
      / seen commands\.report has ended, and no report came for victim\.\S+, which had a session /,
    );
  });

  it('a sender whose log says nothing of mail is shown its last lines, escaped', async () => {
    const { out, faults } = await examine({
      ...reference,
      async start(lab, _onStatus, onLine) {
        onLine?.('up \x1b[31mand running');
        return reference.start(lab, () => {});
      },
    });
    expect(faults.slice(0, 2)).toEqual([
      'log.sent matches the delivery',
      'log.deferred matches when no MX listens',
    ]);
    expect(out).toMatch(
      /seen {2}the log did not mention the message\n {4}do {4}let the server write .*log\.from/,
    );
    expect(out).toContain('log   the last it said:\n          up \\x1b[31mand running\n');
  });

  it('a pattern that does not match is shown the lines it has to match', async () => {
    const { out } = await examine({
      ...reference,
      async start(lab, onStatus, onLine) {
        return reference.start(lab, (status) => {
          onLine?.(`queued to=<${status.token}@x> ${status.status}`);
          if (status.status !== 'deferred') onStatus(status);
        });
      },
    });
    expect(out).toMatch(
      /✗ log\.deferred matches when no MX listens .*\n {4}seen {2}no line of the log matched log\.deferred\n/,
    );
    expect(out).toMatch(
      /log {3}what it said of the message:\n {10}queued to=<hf\w{12}@x> deferred\n/,
    );
  });

  it('the members of a log in JSON are named in place of a pattern', async () => {
    fake.changes = {
      log: {
        from: 'stdout',
        fields: { recipient: 'to' },
        sent: { event: 'sent' },
        deferred: { event: 'deferred' },
        bounced: { event: 'bounced' },
      },
    };
    const { out } = await examine({
      ...reference,
      start: (lab, onStatus, onLine) =>
        reference.start(lab, (status) => {
          onLine?.(JSON.stringify({ rcpt: `${status.token}@x`, event: status.status }));
          if (status.status !== 'deferred') onStatus(status);
        }),
    });
    expect(out.replace(/\s+/g, ' ')).toContain(
      'do change log.deferred, which says by member what a line has to be, or log.fields.recipient,',
    );
    expect(out).not.toContain('regular expression');
  });

  it('a pattern that matches what is another’s is named', async () => {
    const { out } = await examine({
      ...reference,
      start: (lab, onStatus) =>
        reference.start(lab, (status) =>
          onStatus(status.status === 'bounced' ? { ...status, status: 'deferred' } : status),
        ),
    });
    expect(out).toContain('a line matched log.deferred where log.bounced should have matched');
  });

  it('a pattern that matches another line of the message as well is named', async () => {
    const { out } = await examine({
      ...reference,
      start: (lab, onStatus) =>
        reference.start(lab, (status) => {
          onStatus(status);
          if (status.status === 'deferred') onStatus({ ...status, status: 'delivered' });
        }),
    });
    expect(out).toContain('a line matched log.sent where log.deferred should have matched');
  });

  it('a command that fails is told with what it said, and what it is for', async () => {
    const { out } = await examine(
      changed(() => ({
        queued: () =>
          Promise.reject(
            new SenderError(
              'in fake, mailq exited with code 127; its last words:\n  \x07not found',
            ),
          ),
      })),
    );
    expect(out).toMatch(
      /seen {2}in fake, mailq exited with code 127; its last words:\n {12}\\x07not found\n {4}do {4}commands\.queue is run by sh -c/,
    );
  });

  it('one that dies is told once, and the rest is not tried', async () => {
    const death = Promise.withResolvers<SenderError>();
    const { out, code, faults, skipped } = await examine(
      changed(() => ({
        died: death.promise,
        queued() {
          death.resolve(new SenderError('fake exited with code 1'));
          return new Promise(() => {});
        },
      })),
    );
    expect({ code, faults }).toEqual({ code: 1, faults: ['commands.queue lists what is kept'] });
    expect(out).toContain('fake exited with code 1');
    expect(skipped.every((line) => line.endsWith('the sender has gone'))).toBe(true);
  });

  it('one that does not start is told with its last lines', async () => {
    const { out, code, faults } = await examine({
      ...reference,
      async start(_lab, _onStatus, onLine) {
        onLine?.('almost there');
        throw new SenderError('fake was not ready within 1 s (ready.within)');
      },
    });
    expect({ code, faults }).toEqual({ code: 70, faults: ['starts and greets'] });
    expect(out).toMatch(
      /do {4}ready\.log has to match[\s\S]*log {3}the last it said:\n {10}almost there/,
    );
  });

  it('one that ended without a word is not told to greet', async () => {
    const { out } = await examine({
      ...reference,
      async start() {
        throw new SenderError('fake exited with code 1, having said nothing');
      },
    });
    expect(out).toMatch(/do {4}its last words, if it had any, say why it ended/);
  });

  it('one that cannot be run here is told why', async () => {
    const { out, code } = await examine({
      ...reference,
      unavailable: async () => 'there is no Docker engine',
    });
    expect(code).toBe(70);
    expect(out).toMatch(/✗ can be run here\n {4}seen {2}there is no Docker engine/);
  });
});

describe('an end', () => {
  it('comes at once by a signal, and the sender is ended', async () => {
    const stop = new AbortController();
    const ended = vi.fn();
    const { out, code } = await examine(
      changed((started) => ({
        queued() {
          stop.abort();
          return new Promise(() => {});
        },
        [Symbol.asyncDispose]() {
          ended();
          return started[Symbol.asyncDispose]();
        },
      })),
      stop.signal,
    );
    expect(code).toBe(130);
    expect(out).not.toContain('commands.queue');
    expect(ended).toHaveBeenCalledOnce();
  });

  it('a contract with problems is wrong usage', async () => {
    await expect(examine('./test/commands')).rejects.toThrow(/sender\.yaml/);
  });
});
