/**
 * A server that is no container, driven by its contract: a small one of our own, at real addresses
 * where the system lets us have them.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Lab } from '../../harness/lab/lab.ts';
import { openLab } from '../../harness/labs/open.ts';
import type { SenderContract } from '../../harness/model/contract.ts';
import type { LabAccess } from '../../harness/model/sender.ts';
import { externalSender, missingAddresses } from '../../harness/senders/external.ts';
import { drive } from './driver.ts';

const MTA = join(import.meta.dirname, 'fixtures', 'external-mta.mjs');
const SENDER = new URL('../../harness/senders/external.ts', import.meta.url).href;
const place = { kind: 'external', dns: '127.92.0.1', addresses: '127.92.128.0/24' } as const;
const unprivileged =
  platform() === 'linux'
    ? await missingAddresses(place)
    : 'only on Linux is all of 127.0.0.0/8 its own';

/** On a busy machine it takes what it takes. */
const PATIENT = { timeout: 20_000 };

const folder = await mkdtemp(join(tmpdir(), 'holdfast-external-'));
afterAll(() => rm(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const [log, trust, pid, queue] = [at('mta.log'), at('authorities.pem'), at('mta.pid'), at('queue')];

/** A contract for the fixture, some of it changed. */
function contractWith(changes: Partial<SenderContract> = {}): SenderContract {
  const start = `"${process.execPath}" ${MTA} 127.92.0.2 20587 ${place.dns} ${trust} ${queue} >>${log} 2>&1 & echo $! >${pid}`;
  const stop = `kill $(cat ${pid})`;
  return {
    name: 'small-mta',
    summary: 'The fixture',
    version: '1',
    place,
    trust,
    ready: { withinSeconds: 10 },
    submit: { host: '127.92.0.2', port: 20_587, starttls: false },
    log: {
      from: { command: `tail -n 0 -s 0.05 -F ${log}` },
      sent: '^sent to=<(?<recipient>[^>]+)>',
      deferred: '^deferred to=<(?<recipient>[^>]+)> (?<reason>.*)',
      bounced: '^bounced to=<(?<recipient>[^>]+)>',
    },
    commands: {
      start,
      stop,
      restart: `${stop}; ${start}`,
      flush: `kill -HUP $(cat ${pid})`,
      queue: `cat ${queue}`,
    },
    capabilities: ['queue', 'restart'],
    parallel: 50,
    instances: 'shared',
    differs: [],
    ...changes,
  };
}

const sender = (changes?: Partial<SenderContract>) => externalSender(contractWith(changes), place);

/** No lab is behind it: for what goes wrong before one is asked anything. */
const noLab: LabAccess = {
  dns: { address: place.dns, port: 53 },
  trust: { policyHosts: 'policy hosts', mxHosts: 'mail exchangers', dnssec: 'root key' },
  route: () => undefined,
  onRoute: () => () => {},
  publish: async () => {},
  network: { submit: async () => {}, greets: async () => true, caughtUp: async () => {} },
};

describe.skipIf(platform() === 'win32')('commands', () => {
  it('tell the version', async () => {
    const version = async (command: string) =>
      (await sender({ version: { command } }).prepare!(() => {})).version;
    expect(await version("printf '\\n  3.1 of today \\nmore\\n'")).toBe('3.1 of today');
    await expect(version('echo')).rejects.toThrow(
      'small-mta: the command that tells its version prints nothing (version.command: echo)',
    );
    await expect(version('echo out; echo "no such program" >&2; exit 3')).rejects.toThrow(
      /^small-mta: echo out.* exited with code 3; its last words:\n {2}out\n {2}no such program$/,
    );
    await expect(version('kill -9 $$')).rejects.toThrow(
      'was killed by SIGKILL, having said nothing',
    );
  });

  it('get nothing of the environment but what a program needs', async () => {
    vi.stubEnv('SECRET', 'of the harness');
    vi.stubEnv('NODE_OPTIONS', '--no-warnings');
    const { version } = await sender({
      version: { command: 'env | cut -d = -f 1 | grep -E "PATH|SECRET|NODE" | tr "\n" " "' },
    }).prepare!(() => {});
    vi.unstubAllEnvs();
    expect(version).toBe('PATH');
  });

  it('that leave something running do not wait for it', async () => {
    const { version } = await sender({
      version: { command: `echo 1; sleep 20 & echo $! >${at('sleep.pid')}` },
    }).prepare!(() => {});
    expect(version).toBe('1');
    process.kill(Number(await readFile(at('sleep.pid'), 'utf8')));
  });
});

describe.skipIf(platform() === 'win32')('a server that cannot be started', () => {
  const fails = (what: string, changes: Partial<SenderContract>, message: string | RegExp) =>
    it(what, async () => {
      await expect(sender(changes).start(noLab, () => {})).rejects.toThrow(message);
      expect(existsSync(trust)).toBe(false);
    });
  fails(
    'says what its command said',
    { commands: { start: 'echo "cannot bind" >&2; exit 1' } },
    'small-mta: echo "cannot bind" >&2; exit 1 exited with code 1; its last words:\n  cannot bind',
  );
  fails(
    'has no log',
    {
      log: { ...contractWith().log, from: { command: 'exit 2' } },
      ready: { log: 'never', withinSeconds: 5 },
    },
    /^the log of small-mta has ended: exit 2 \(log\.from\.command\) exited with code 2/,
  );
  fails(
    'is not ready in time',
    { commands: {}, ready: { log: 'never', withinSeconds: 1 } },
    'was not ready within 1 s',
  );
  fails(
    'has no place for the authorities',
    { trust: at('nowhere/ca.pem') },
    /what the lab is trusted by cannot be written to .*nowhere\/ca\.pem \(trust, dnssec\): ENOENT/,
  );

  it('is tried again', async () => {
    const flag = at('flag');
    const moody = sender({ commands: { start: `[ -e ${flag} ]` } });
    await expect(moody.start(noLab, () => {})).rejects.toThrow('exited with code 1');
    await writeFile(flag, '');
    await using started = await moody.start(noLab, () => {});
    expect(started).toBeDefined();
  });

  it('needs a lab at real addresses', async () => {
    await expect(sender().start({ ...noLab, network: undefined }, () => {})).rejects.toThrow(
      'needs a lab at real addresses of this machine',
    );
  });
});

describe.skipIf(platform() === 'win32')('a server that is started', () => {
  const idle = {
    commands: { start: `echo start >>${at('calls')}`, stop: `echo stop >>${at('calls')}` },
  };
  const calls = async () =>
    (await readFile(at('calls'), 'utf8').catch(() => '')).trim().split('\n');

  it('is shared by those who start it again; the last to go ends it', async () => {
    const one = sender(idle);
    const [first, second] = await Promise.all([
      one.start(noLab, () => {}),
      one.start(noLab, () => {}),
    ]);
    await first[Symbol.asyncDispose]();
    expect(await calls()).toEqual(['start']);
    expect(await readFile(trust, 'utf8')).toBe('policy hosts\nmail exchangers\n');
    await second[Symbol.asyncDispose]();
    expect(await calls()).toEqual(['start', 'stop']);
    expect(existsSync(trust)).toBe(false);
  });

  it('leaves the file of the authorities as it was', async () => {
    await writeFile(trust, 'the roots of this machine');
    await chmod(trust, 0o600);
    const started = await sender({ commands: {} }).start(noLab, () => {});
    expect(await readFile(trust, 'utf8')).toContain('policy hosts');
    expect(await readFile(`${trust}.holdfast-before`, 'utf8')).toBe('the roots of this machine');
    await started[Symbol.asyncDispose]();
    expect(await readFile(trust, 'utf8')).toBe('the roots of this machine');
    expect(existsSync(`${trust}.holdfast-before`)).toBe(false);
    await rm(trust);
  });

  /** A run in a process of its own, which is over once the file of the authorities is written. */
  const runThat = (ends: 'exits' | 'is killed') => {
    const end = { exits: 'process.exit(0)', 'is killed': "process.kill(process.pid, 'SIGKILL')" };
    const script = `
      const { externalSender } = await import(${JSON.stringify(SENDER)});
      const contract = ${JSON.stringify(contractWith({ commands: {} }))};
      const network = { greets: async () => true };
      const lab = { trust: { policyHosts: 'a', mxHosts: 'b' }, network };
      await externalSender(contract, contract.place).start(lab, () => {});
      ${end[ends]};`;
    spawnSync(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  };

  it('has them again when the process ends without more ado', async () => {
    await writeFile(trust, 'the roots of this machine');
    runThat('exits');
    expect(await readFile(trust, 'utf8')).toBe('the roots of this machine');
    await rm(trust);
    runThat('exits');
    expect(existsSync(trust)).toBe(false);
  });

  it.each([
    ['the roots of this machine', 'the roots of this machine'],
    ['no such file', undefined],
  ])('does not take what a killed run has left for its own: %s', async (_, before) => {
    if (before !== undefined) await writeFile(trust, before);
    runThat('is killed');
    expect(await readFile(trust, 'utf8')).toBe('a\nb\n');
    const started = await sender({ commands: {} }).start(noLab, () => {});
    await started[Symbol.asyncDispose]();
    const after = await readFile(trust, 'utf8').catch(() => undefined);
    expect(after).toBe(before);
    await rm(trust, { force: true });
    expect((await readdir(folder)).filter((file) => file.includes('holdfast'))).toEqual([]);
  });

  it('has all again that can be had, and is told what cannot', async () => {
    const dnssec = at('gone/root.key');
    await mkdir(at('gone'));
    await writeFile(dnssec, 'the root');
    await writeFile(trust, 'the roots of this machine');
    const started = await sender({ commands: {}, dnssec }).start(noLab, () => {});
    await rm(dnssec);
    await mkdir(dnssec);
    await expect(started[Symbol.asyncDispose]()).rejects.toThrow(
      /^small-mta: .*root\.key cannot be made again what it was \(trust, dnssec\): EISDIR/,
    );
    expect(await readFile(trust, 'utf8')).toBe('the roots of this machine');
    await rm(trust);
  });

  it('is lost when its log ends', async () => {
    const follow = at('follow.pid');
    await using started = await sender({
      commands: {},
      log: {
        ...contractWith().log,
        from: { command: `echo $$ >${follow}; echo last; exec sleep 20` },
      },
    }).start(noLab, () => {});
    process.kill(Number(await readFile(follow, 'utf8')));
    expect((await started.died)?.message).toMatch(
      /^the log of small-mta has ended: .* was killed by SIGTERM; its last words:\n {2}last$/,
    );
  });

  it('ends its log with all that belongs to it', async () => {
    const follow = at('follow.pid');
    const started = await sender({
      commands: {},
      log: { ...contractWith().log, from: { command: `(echo $PPID >${follow}; sleep 20) | cat` } },
    }).start(noLab, () => {});
    const group = await vi.waitUntil(
      async () => Number(await readFile(follow, 'utf8').catch(() => '')),
      PATIENT,
    );
    await started[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(() => process.kill(-group, 0)).toThrow('ESRCH'), PATIENT);
  });

  it('is restarted once at a time', async () => {
    const log = at('restarts');
    const lab: LabAccess = {
      ...noLab,
      network: { greets: async () => true, submit: async () => {}, caughtUp: async () => {} },
    };
    await using started = await sender({
      commands: { restart: `echo begun >>${log}; sleep 0.1; echo ended >>${log}` },
    }).start(lab, () => {});
    await Promise.all([started.restart!(), started.restart!()]);
    expect(await readFile(log, 'utf8')).toBe('begun\nended\n'.repeat(2));
  });

  it('gets no mail while it restarts', async () => {
    const [begun, ended] = [at('restart-begun'), at('restart-ended')];
    const submitted: boolean[] = [];
    const lab: LabAccess = {
      ...noLab,
      network: {
        greets: async () => true,
        submit: async () => void submitted.push(existsSync(ended)),
        caughtUp: async () => {},
      },
    };
    await using started = await sender({
      commands: { restart: `touch ${begun}; sleep 0.3; touch ${ended}` },
    }).start(lab, () => {});
    const restarted = started.restart!();
    await vi.waitFor(() => expect(existsSync(begun)).toBe(true), PATIENT);
    await started.submit({
      token: 'hf0123456789ab',
      from: 'a@sender.test',
      to: 'b@victim.test',
      data: '',
    });
    await restarted;
    expect(submitted).toEqual([true]);
  });
});

describe.skipIf(platform() === 'win32')('addresses', () => {
  const missing = (what: string, addresses: { dns: string; addresses: string }, message: string) =>
    it(what, async () => expect(await missingAddresses(addresses)).toContain(message));
  missing(
    'of another machine: the name server',
    { dns: '192.0.2.77', addresses: '127.93.0.0/24' },
    '192.0.2.77 is no address of this machine. On Linux, as root: ip address add 192.0.2.77/32 dev lo',
  );
});

describe.skipIf(unprivileged !== undefined)(
  `a server at real addresses${unprivileged ? ` (${unprivileged})` : ''}`,
  () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await openLab({ dns: place.dns, addresses: place.addresses }, () => {});
    });
    afterAll(() => lab?.[Symbol.asyncDispose]());

    it('may not have those that are in use', async () => {
      expect(await missingAddresses(place)).toBe(
        `something else listens at port 53 of ${place.dns}: end it, or give the lab other addresses. A server that listens at all addresses of this machine listens here too: let it listen at its own only`,
      );
    });

    it("sends mail over TLS that the lab's authorities vouch for", async () => {
      await using driver = await drive(lab, sender());
      driver.arrange();
      expect(await driver.send()).toMatch(/^delivered: sent to=<hf\w{12}@victim\.test>$/);
      expect(driver.arrivals()).toEqual(['mx1.victim.test authenticated']);
    });

    it('keeps what it cannot send, tells what it keeps, retries, and restarts', async () => {
      await using driver = await drive(lab, sender());
      driver.arrange({
        attack: (plan) => ({
          ...plan,
          mxHosts: { ...plan.mxHosts, 'mx1.victim.test': { reach: 'refused' } },
        }),
      });
      expect(await driver.send()).toMatch(/^deferred: connect ECONNREFUSED 127\.92\.128\.\d+:25$/);
      const kept = async () => (await driver.sender.queued!()).length;
      expect(await vi.waitUntil(kept, PATIENT)).toBe(1);
      driver.arrange();
      expect(await driver.flush()).toMatch(/^delivered/);
      await driver.sender.restart!();
      expect(await driver.send()).toMatch(/^delivered/);
    });

    it('tells every line of its log to who wants to hear it', async () => {
      const lines: string[] = [];
      await using _ = await sender({ ready: { log: '^started$', withinSeconds: 10 } }).start(
        lab.access,
        () => {},
        (line) => lines.push(line),
      );
      expect(lines).toContain('started');
    });
  },
);
