/**
 * A lab for work by hand, as one who sits before it: what is told, what the printed addresses
 * answer, and what Enter does.
 */

import { X509Certificate } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { existsSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import tls from 'node:tls';
import { describe, expect, it, vi } from 'vitest';
import { type LabRequest, lab, stagesToShow } from '../../harness/commands/lab.ts';
import { textPrinter } from '../../harness/commands/lab-text.ts';
import { baselinePlan, DEFAULT_DOMAIN, DEFAULT_POLICY } from '../../harness/model/baseline.ts';
import { qualify } from '../../harness/model/names.ts';
import type { Step } from '../../harness/model/scenario.ts';
import type { LabAccess } from '../../harness/model/sender.ts';
import { loadVocabulary } from '../../harness/vocabulary.ts';
import { prime, recover, scenarioOf, send } from '../evidence.ts';
import { testTerminal } from './terminal.ts';

const vocabulary = await loadVocabulary();

interface Sitting extends AsyncDisposable {
  /** All that was told until now. */
  out(): string;
  /** Resolves once this is told, with what it matched. */
  tells(what: RegExp): Promise<RegExpExecArray>;
  type(line: string): void;
  /** No more lines will come. */
  hangUp(): void;
  readonly ended: Promise<number>;
  readonly complaints: string[];
}

function sit(request: LabRequest): Sitting {
  const complaints: string[] = [];
  const stop = new AbortController();
  const keyboard = new PassThrough();
  const { terminal, out } = testTerminal({
    complain: (text) => void complaints.push(text),
    lines: createInterface({ input: keyboard }),
    signal: stop.signal,
  });
  const ended = lab(request, terminal);
  return {
    out,
    tells: (what) =>
      vi.waitUntil(() => what.exec(out()), { timeout: 20_000 }) as Promise<RegExpExecArray>,
    type: (line) => void keyboard.write(`${line}\n`),
    hangUp: () => void keyboard.end(),
    ended,
    complaints,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

/** What a server says first, and after each of these lines. */
async function talk(port: number, ...lines: string[]): Promise<string> {
  const socket = net.connect({ host: '127.0.0.1', port });
  let said = '';
  socket.on('data', (bytes) => {
    said += bytes;
    if (!/^\d{3} .*\r\n$/m.test(said.split('\n').slice(-2).join('\n'))) return;
    const line = lines.shift();
    if (line === undefined) socket.end();
    else socket.write(`${line}\r\n`);
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return said;
}

describe('an honest lab', () => {
  it('answers where it says, and tells what it sees', async () => {
    await using sitting = sit({});
    await sitting.tells(/What is seen, until Ctrl-C:\n/);
    const [, dnsPort] = await sitting.tells(
      /^Name server {2}127\.0\.0\.1 port (\d+), UDP and TCP$/m,
    );
    const [, authorities] = await sitting.tells(/^Authorities {2}(\S+) /m);
    const [, domain] = await sitting.tells(/^Domain {7}(victim\.x[0-9a-f]{8}\.test)$/m);
    const [, address, mxPort] = await sitting.tells(
      /^ {2}mx1\.victim\.\S+ +(127\.\S+) +port 25 is 127\.0\.0\.1:(\d+)$/m,
    );
    const [, policyPort] = await sitting.tells(
      /^ {2}mta-sts\.victim\.\S+ +127\.\S+ +port 443 is 127\.0\.0\.1:(\d+)$/m,
    );

    const resolver = new Resolver();
    resolver.setServers([`127.0.0.1:${dnsPort}`]);
    expect(await resolver.resolve4(`mx1.${domain}`)).toEqual([address]);
    const [txt] = await resolver.resolveTxt(`_mta-sts.${domain}`);
    expect(sitting.out()).toContain(`_mta-sts.${domain} TXT "${txt!.join('')}"`);

    const ca = readFileSync(authorities!, 'utf8');
    const servername = `mta-sts.${domain}`;
    await new Promise((resolve, reject) => {
      const socket = tls.connect(
        { host: '127.0.0.1', port: Number(policyPort), servername, ca },
        () => socket.end(),
      );
      socket.once('error', reject).once('close', resolve);
    });
    expect(ca.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(new X509Certificate(ca).ca).toBe(true);
    expect(await talk(Number(mxPort), 'EHLO tool.test', 'QUIT')).toContain('STARTTLS');

    await sitting.tells(/^ +[\d.]+ s {2}TXT _mta-sts\.\S+: NOERROR 1$/m);
    await sitting.tells(/^ +[\d.]+ s {2}c\d TLS with mta-sts\.\S+ completed/m);
    await sitting.tells(/^ +[\d.]+ s {2}c\d > EHLO tool\.test {4}\(in clear\)$/m);
    // What the command itself has asked for, to have the hosts opened, is nobody's doing.
    expect(sitting.out().match(/ A mx1\./g)).toHaveLength(1);
  });

  it('prints lines to try, with its ports', async () => {
    await using sitting = sit({});
    const [, port, domain] = await sitting.tells(/^ {2}dig @127\.0\.0\.1 -p (\d+) (\S+) MX$/m);
    const [, mxPort] = await sitting.tells(/^ {2}mx1\.\S+ .* port 25 is 127\.0\.0\.1:(\d+)$/m);
    expect(sitting.out()).toContain(`  dig @127.0.0.1 -p ${port} _mta-sts.${domain} TXT\n`);
    expect(sitting.out()).toMatch(
      /^ {2}curl --cacert \S+ --connect-to mta-sts\.(\S+):443:127\.0\.0\.1:\d+ https:\/\/mta-sts\.\1\/\.well-known\/mta-sts\.txt$/m,
    );
    expect(sitting.out()).toMatch(
      new RegExp(
        `^ {2}openssl s_client -starttls smtp -connect 127\\.0\\.0\\.1:${mxPort} -servername mx1\\.${domain} `,
        'm',
      ),
    );
    expect(sitting.out()).toMatch(
      new RegExp(
        `^ {2}swaks --server 127\\.0\\.0\\.1 --port ${mxPort} .* --to \\S+@${domain} `,
        'm',
      ),
    );
  });

  it('leaves no file when it ends', async () => {
    const sitting = sit({});
    const [, authorities] = await sitting.tells(/^Authorities {2}(\S+) /m);
    expect(existsSync(authorities!)).toBe(true);
    await sitting[Symbol.asyncDispose]();
    expect(await sitting.ended).toBe(0);
    expect(existsSync(authorities!)).toBe(false);
  });

  it('escapes what comes in', async () => {
    await using sitting = sit({});
    const [, port] = await sitting.tells(/^ {2}mx1\.\S+ .* port 25 is 127\.0\.0\.1:(\d+)$/m);
    await talk(Number(port), 'EHLO \x1b[31mred', 'QUIT');
    await sitting.tells(/> EHLO \\x1b\[31mred/);
  });
});

describe('a lab in a network that only containers reach', () => {
  it('says so, and has each line run in it', () => {
    const { terminal, out } = testTerminal();
    const dns = { address: '172.23.0.2', port: 53 };
    const plan = qualify(baselinePlan(DEFAULT_DOMAIN, DEFAULT_POLICY), 'x1');
    const hosts = ['mx1.victim.x1.test', 'mta-sts.victim.x1.test'].map((host, index) => {
      const address = `172.23.128.${index}`;
      const ports = [25, 443].map((port) => [port, { address, port }] as const);
      return { host, address, ports: new Map(ports) };
    });
    textPrinter({
      terminal,
      vocabulary,
      access: { dns, network: { docker: { name: 'holdfast-1' } } } as LabAccess,
      authorities: '/ca.pem',
    }).stage({ label: 'x1', plan, policy: DEFAULT_POLICY, permittedMx: [], isLast: true, hosts });
    expect(out()).toMatch(
      /^Network {6}holdfast-1: only a container in it reaches these addresses$/m,
    );
    expect(out()).toContain('--network holdfast-1 -v /ca.pem:/ca.pem:ro');
    for (const tool of ['dig', 'curl', 'openssl', 'swaks'])
      expect(out()).toMatch(new RegExp(`^ {2}in_lab ${tool} `, 'm'));
  });
});

describe('a lab with a scenario', () => {
  it('goes one step with each line, and tells what is attacked and what is to be done', async () => {
    await using sitting = sit({ scenario: 'starttls/stripped@as-removed-line' });
    await sitting.tells(
      /^Step 1 of 3\. An honest delivery[\s\S]*^Press Enter for the next step\.$/m,
    );
    const [, port] = await sitting.tells(/^ {2}mx1\.\S+ .* port 25 is 127\.0\.0\.1:(\d+)$/m);
    expect(await talk(Number(port), 'EHLO a', 'QUIT')).toContain('STARTTLS');

    sitting.type('');
    await sitting.tells(
      /^Step 2 of 3\. .*attacked[\s\S]*strip-starttls[\s\S]*enforced: deferred, nothing exposed[\s\S]*Ctrl-C:$/m,
    );
    expect(await talk(Number(port), 'EHLO a', 'QUIT')).not.toContain('STARTTLS');
    expect(sitting.out()).not.toMatch(/victim\.(x\w+)\.\1\.test/);

    sitting.type('next');
    await sitting.tells(
      /^Step 3 of 3\. The attacks are lifted[\s\S]*Your part: have the sender's queue run\.$/m,
    );
    expect(await talk(Number(port), 'EHLO a', 'QUIT')).toContain('STARTTLS');
    expect(sitting.out().match(/Press Enter/g)).toHaveLength(2);
  });

  it('tells what is published anew', async () => {
    await using sitting = sit({ scenario: 'policy-host/redirected-at-first-contact@status-301' });
    await sitting.tells(/^Press Enter/m);
    sitting.type('');
    await sitting.tells(
      /^Published now$[\s\S]*^ {2}- _mta-sts\.\S+ TXT "v=STSv1; id=honest1;"$[\s\S]*^ {2}\+ https:\/\/\S+ 301$/m,
    );
  });

  it('stays when no more lines can come', async () => {
    await using sitting = sit({ scenario: 'tls/sni' });
    sitting.hangUp();
    await sitting.tells(/What is seen/);
    const stayed = await Promise.race([
      sitting.ended.then(() => false),
      new Promise((resolve) => setTimeout(resolve, 200, true)),
    ]);
    expect(stayed).toBe(true);
  });

  it('speaks JSON, a line each', async () => {
    await using sitting = sit({ scenario: 'starttls/stripped@as-removed-line', json: true });
    await sitting.tells(/"step-started".*\n/);
    sitting.type('');
    await sitting.tells(/"step":1,"kind":"step-started".*\n/);
    const told = sitting
      .out()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(told.map(({ kind, step }) => [kind, step])).toEqual([
      ['lab', 0],
      ['step-started', 0],
      ['lab', 1],
      ['step-started', 1],
    ]);
    expect(told[0]).toMatchObject({
      scenario: 'starttls/stripped@as-removed-line',
      isLast: false,
      dns: { address: '127.0.0.1' },
    });
    expect(told[0].hosts[0]).toMatchObject({
      host: expect.stringMatching(/^mx1\./),
      ports: { 25: { address: '127.0.0.1' } },
    });
    expect(told[1]).toMatchObject({
      seq: 1,
      leg: 'main',
      label: expect.stringMatching(/^x/),
      policy: { mode: 'enforce' },
    });
  });
});

describe('stages', () => {
  const stagesOf = (...steps: Step[]) => stagesToShow(scenarioOf(steps));
  const kinds = (what: string, steps: Step[], expected: readonly (string | undefined)[]) =>
    it(what, () => expect(stagesOf(...steps).map(({ step }) => step?.kind)).toEqual(expected));
  kinds('begin in an honest world', [send()], [undefined, 'send']);
  kinds('begin with the honest delivery, where there is one', [prime, send()], ['prime', 'send']);

  it('keep the world as it is while time passes', () => {
    const stages = stagesOf(send(), { kind: 'wait', label: '', seconds: 1 }, recover);
    const [honest, attacked, waiting, healed] = stages.map(({ plan }) => plan);
    expect(attacked).not.toEqual(honest);
    expect(waiting).toEqual(attacked);
    expect(healed).toEqual(honest);
  });

  it('publish anew, and stay so', () => {
    const policy = { ...DEFAULT_POLICY, id: 'b', mode: 'testing' } as const;
    const stages = stagesOf(
      { kind: 'publish', label: '', policy, domain: DEFAULT_DOMAIN },
      recover,
    );
    expect(stages.map((stage) => stage.policy.id)).toEqual([DEFAULT_POLICY.id, 'b', 'b']);
    expect(JSON.stringify(stages[2]!.plan)).toContain('mode: testing');
  });
});

describe('what makes no sense', () => {
  const wrong = (request: LabRequest, message: RegExp) =>
    it(JSON.stringify(request), async () => {
      await expect(sit(request).ended).rejects.toThrow(message);
    });
  wrong({ scenario: 'starttls/strippd' }, /did you mean starttls\/stripped\?/);
  wrong(
    { scenario: 'starttls/stripped' },
    /a lab goes through one scenario, and starttls\/stripped selects \d+:\n {2}starttls\/stripped@/,
  );
  wrong({ docker: true, dns: '10.99.0.1' }, /--docker has addresses of its own/);
  wrong({ dns: '10.99.0.1' }, /--dns and --addresses go together/);
  wrong(
    { dns: 'ns.test', addresses: '10.99.128.0/17' },
    /--dns ns\.test: expected an IPv4 address/,
  );
  wrong(
    { dns: '10.99.0.1', addresses: '10.99.128.0/16' },
    /--addresses 10\.99\.128\.0\/16: expected an IPv4 prefix/,
  );
  wrong({ dns: '10.99.0.1', addresses: '10.99.0.0/30' }, /of \/8 to \/29/);
  wrong(
    { dns: '10.99.128.1', addresses: '10.99.128.0/17' },
    /--dns 10\.99\.128\.1 lies in 10\.99\.128\.0\/17/,
  );

  it('addresses of another machine', async () => {
    const sitting = sit({ dns: '192.0.2.77', addresses: '127.94.0.0/24' });
    expect(await sitting.ended).toBe(70);
    expect(sitting.complaints).toEqual([
      '192.0.2.77 is no address of this machine. On Linux, as root: ip address add 192.0.2.77/32 dev lo',
    ]);
  });
});
