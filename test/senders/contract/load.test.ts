/**
 * Contracts: the shipped ones load, every rule has a broken example with its place (`‸` stands
 * before it), and the schema agrees.
 */

import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contractJsonSchema, loadContract } from '../../../harness/senders/contract/load.ts';
import { formatProblem } from '../../../harness/yaml/problems.ts';

const ROOT = join(import.meta.dirname, '../../..');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-contract-'));
  await write('image/Dockerfile', 'FROM scratch\n');
  await write('main.cf', '');
  await mkdir(join(folder, 'hollow/sender.yaml'), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

async function write(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
}

type Changes = Readonly<Record<string, string | undefined>>;

const LOG = `{ sent: '^s (?<recipient>\\S+)', deferred: '^d (?<recipient>\\S+)', bounced: '^b (?<recipient>\\S+)' }`;
const OWN_LOG = LOG.replace('{', '{ from: { command: tail -F log },');
const CONTAINER = {
  name: 'my-mta',
  summary: 'My MTA',
  version: '"3.10"',
  image: 'my-mta',
  trust: '/ca.pem',
  submit: '{ port: 25 }',
  log: LOG,
  capabilities: '[]',
};
const { image: _, ...PLACELESS } = CONTAINER;
const EXTERNAL = {
  ...PLACELESS,
  external: '{ dns: 10.99.0.1, addresses: 10.99.128.0/17 }',
  submit: '{ port: 25, host: 10.99.0.2 }',
  log: OWN_LOG,
};

const NODE = { ...PLACELESS, node: '{ program: main.cf }' };

const yaml = (base: Changes, changes: Changes) =>
  Object.entries({ ...base, ...changes })
    .flatMap(([key, value]) =>
      value === undefined
        ? []
        : [key.endsWith('‸') ? `‸${key.slice(0, -1)}: ${value}\n` : `${key}: ${value}\n`],
    )
    .join('');
const container = (changes: Changes) => yaml(CONTAINER, changes);
const external = (changes: Changes) => yaml(EXTERNAL, changes);
const node = (changes: Changes) => yaml(NODE, changes);

async function load(text: string | Buffer) {
  await write('sender.yaml', text);
  return loadContract('sender.yaml', folder);
}

const firstLine = (text: string) => text.split('\n')[0]!;

/** One line for each problem, without its frame, at the marked places and nowhere else. */
async function broken(marked: string, ...messages: string[]): Promise<void> {
  const places = [...marked.matchAll(/‸/g)].map(({ index }) => {
    const lines = marked.slice(0, index).replaceAll('‸', '').split('\n');
    return `sender.yaml:${lines.length}:${lines.at(-1)!.length + 1}`;
  });
  const { contract, problems } = await load(marked.replaceAll('‸', ''));
  expect(problems.map((problem) => firstLine(formatProblem(problem)))).toEqual(
    messages.map((message, at) => `${places[at]}: ${message}`),
  );
  expect(contract).toBeUndefined();
}

async function good(text: string) {
  const { contract, problems } = await load(text);
  expect(problems.map(formatProblem)).toEqual([]);
  return contract!;
}

describe('the shipped contracts', () => {
  it.each(globSync('docker/senders/*/sender.yaml', { cwd: ROOT }).map((file) => [dirname(file)]))(
    '%s',
    async (path) => {
      const { contract, problems } = await loadContract(path, ROOT);
      expect(problems.map(formatProblem)).toEqual([]);
      expect(path.endsWith(`/${contract!.name}`)).toBe(true);
    },
  );
});

describe('a contract', () => {
  it('has defaults for what it leaves out', async () => {
    expect(await good(container({}))).toEqual({
      name: 'my-mta',
      summary: 'My MTA',
      version: '3.10',
      place: { kind: 'container', image: 'my-mta', environment: {}, files: {} },
      trust: '/ca.pem',
      ready: { withinSeconds: 60 },
      submit: { port: 25, starttls: false },
      log: {
        from: 'stdout',
        sent: '^s (?<recipient>\\S+)',
        deferred: '^d (?<recipient>\\S+)',
        bounced: '^b (?<recipient>\\S+)',
      },
      commands: {},
      capabilities: [],
      parallel: 50,
      instances: 'shared',
      differs: [],
    });
  });

  it('of a container can say all this', async () => {
    const contract = await good(
      yaml(PLACELESS, {
        version: '{ command: postconf -h mail_version }',
        build: '{ context: ./image, args: { SUITE: trixie, MINOR: 3.10 } }',
        hostname: 'mta.sender.test',
        environment: '{ MODE: 0640, DEBUG: true, EMPTY: "" }',
        sysctls: '{ net.unix.max_dgram_qlen: 512 }',
        dkim: '/etc/dkim.pem',
        files: '{ /etc/main.cf: main.cf }',
        command: '[sh, -c, start]',
        ready: '{ log: started, within: 2m }',
        submit: '{ port: 587, starttls: true, user: probe, password: secret }',
        log: LOG.replace('{', '{ from: { file: /var/log/mail.log },'),
        commands: '{ flush: restart, queue: mailq, age: /age }',
        capabilities: '[mta-sts, testing-mode, persistent-cache, queue, time-travel, restart, dsn]',
        limits: '{ parallel: 1000, instances: exclusive }',
      }),
    );
    expect(contract).toMatchObject({
      version: { command: 'postconf -h mail_version' },
      place: {
        kind: 'container',
        image: { context: join(folder, 'image'), args: { SUITE: 'trixie', MINOR: '3.10' } },
        hostname: 'mta.sender.test',
        environment: { MODE: '0640', DEBUG: 'true', EMPTY: '' },
        sysctls: { 'net.unix.max_dgram_qlen': '512' },
        files: { '/etc/main.cf': join(folder, 'main.cf') },
        command: ['sh', '-c', 'start'],
      },
      dkim: '/etc/dkim.pem',
      ready: { log: 'started', withinSeconds: 120 },
      submit: { port: 587, starttls: true, user: 'probe', password: 'secret' },
      log: { from: { file: '/var/log/mail.log' } },
      commands: { flush: 'restart', queue: 'mailq', age: '/age' },
      capabilities: [
        'mta-sts',
        'testing-mode',
        'persistent-cache',
        'queue',
        'time-travel',
        'restart',
        'dsn',
      ],
      parallel: 1000,
      instances: 'exclusive',
    });
    expect(JSON.parse(JSON.stringify(contract))).toEqual(contract);
  });

  it('of an external sender can say all this', async () => {
    const contract = await good(
      external({
        submit: '{ port: 25, host: "2001:db8::1" }',
        commands:
          '{ flush: restart, restart: systemctl restart mta, start: systemctl start mta, stop: systemctl stop mta }',
        capabilities: '[queue, restart, tlsrpt]',
        limits: '{ instances: shared }',
      }),
    );
    expect(contract).toMatchObject({
      place: { kind: 'external', dns: '10.99.0.1', addresses: '10.99.128.0/17' },
      submit: { host: '2001:db8::1', port: 25 },
      log: { from: { command: 'tail -F log' } },
    });
  });

  it('of a Node program can say all this', async () => {
    const contract = await good(
      node({
        node: '{ program: node_modules/mta/bin, arguments: [-c, .] }',
        environment: '{ MODE: 0640 }',
        files: '{ /config/main.cf: main.cf }',
        commands: '{ flush: kill -HUP $PID, queue: cat queue/*, age: ./age, report: ./report }',
        capabilities: '[queue, restart, time-travel, tlsrpt]',
        limits: '{ instances: exclusive }',
      }),
    );
    expect(contract.place).toEqual({
      kind: 'node',
      program: join(folder, 'node_modules/mta/bin'),
      arguments: ['-c', '.'],
      environment: { MODE: '0640' },
      files: { '/config/main.cf': join(folder, 'main.cf') },
      folder,
    });
  });

  it.each([
    'postfix',
    'postfix:3.10',
    'registry.test:5000/mail/my_mta:v1.2-rc',
    `a/b@sha256:${'0'.repeat(64)}`,
  ])('takes the image %s', async (image) =>
    expect(await good(container({ image }))).toMatchObject({ place: { image } }),
  );

  it.each(['10.0.0.0/8', '10.99.128.0/17', '192.0.2.8/29', '192.0.2.128/25'])(
    'takes the prefix %s',
    async (addresses) => {
      expect(
        await good(external({ external: `{ dns: 198.51.100.1, addresses: ${addresses} }` })),
      ).toMatchObject({ place: { addresses } });
    },
  );

  it('is found by its folder, from anywhere', async () => {
    await write('sender.yaml', container({}));
    for (const [path, cwd] of [
      ['.', folder],
      [folder, '/'],
      ['image/..', folder],
      ['../sender.yaml', join(folder, 'image')],
    ] as const)
      expect(await loadContract(path, cwd)).toMatchObject({
        contract: { name: 'my-mta' },
        problems: [],
      });
  });
});

describe('what is no file with a contract', () => {
  const said = async (path: string) => {
    const { contract, problems } = await loadContract(path, folder);
    expect(contract).toBeUndefined();
    return problems.map((problem) => firstLine(formatProblem(problem)));
  };

  it.each([
    ['nowhere', 'nowhere: no such file or folder'],
    ['main.cf/sender.yaml', 'main.cf/sender.yaml: cannot be read: ENOTDIR'],
    ['a\0b', 'a\\x00b: cannot be read: ERR_INVALID_ARG_VALUE'],
    ['\x1b[2J', '\\x1b[2J: no such file or folder'],
    ['image', 'image/sender.yaml: no such file or folder'],
    ['hollow', 'hollow/sender.yaml: neither a file nor a folder with a sender.yaml'],
    ['main.cf', 'main.cf:1:1: an empty file holds no contract'],
  ])('%j', async (path, message) => expect(await said(path)).toEqual([message]));

  it('a pipe, which nobody ever writes to', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(await said('pipe')).toEqual(['pipe: neither a file nor a folder with a sender.yaml']);
  });

  it('too much, and not UTF-8', async () => {
    await write('huge.yaml', '#'.repeat(1024 * 1024 + 1));
    await write('latin1.yaml', Buffer.from('name: x\nsummary: caf\xe9\n', 'latin1'));
    expect(await said('huge.yaml')).toEqual(['huge.yaml: a contract file is at most 1 MiB']);
    expect(await said('latin1.yaml')).toEqual(['latin1.yaml:2:13: not UTF-8']);
  });
});

const REGEX = 'not a regular expression';
const ONE_LINE = 'expected one line';
const FILE_PATH = 'expected the absolute path of a file, without . and ..';
const PREFIX = 'expected an IPv4 prefix of /8 to /29, such as 10.99.128.0/17';
const RECIPIENT =
  'needs the named group (?<recipient>…), or nobody knows whose message the line is about';
const CAPABILITIES =
  'mta-sts, testing-mode, tlsrpt, tlsrpt-mail, dane, dnssec, requiretls, persistent-cache, queue, time-travel, queue-lifetime, restart, dsn, ipv6, smart-host, refresh and 3 more';
const TOP =
  'allowed name, summary, version, image, build, external, node, hostname, environment, sysctls, files, command, trust, dnssec, dkim, ready and 6 more';
const sent = (pattern: string) =>
  container({ log: LOG.replace("'^s (?<recipient>\\S+)'", () => pattern) });

type Table = readonly (readonly [string, string, ...string[]])[];
const tables: Readonly<Record<string, Table>> = {
  'the file': [
    [
      'a list',
      '‸- a\n',
      'a contract is a map with name, version, image, submit, log and more (found ["a"])',
    ],
    ['two documents', 'name: x\n‸---\nname: y\n', 'a contract file is one YAML document'],
    ['YAML 1.1', '‸%YAML 1.1\n---\nname: x\n', 'contracts are YAML 1.2'],
    ['a tag', 'name: ‸!x y\n', 'Unresolved tag: !x'],
    [
      'nothing it needs',
      '‸‸‸‸‸‸‸‸{}',
      'does not say where the server comes from: image, build, external or node',
      ...['name', 'summary', 'version', 'trust', 'submit', 'log', 'capabilities'].map(
        (key) => `${key} is missing`,
      ),
    ],
    [
      'a misspelt key',
      container({ 'trsut‸': '/a' }),
      `unknown key (found "trsut"; ${TOP}; did you mean trust?)`,
    ],
    [
      'a misspelt key further down',
      container({ ready: '{ ‸witin: 3s }' }),
      'unknown key (found "witin"; allowed log, within; did you mean within?)',
    ],
    [
      'a hostile key',
      container({ '"\\e[31m\\u202e"‸': '1' }),
      `unknown key (found "\\u001b[31m\\u202e"; ${TOP})`,
    ],
    ['a key twice', `${container({})}‸name: b\n`, 'this key is given twice (found "name")'],
    [
      'problems of every kind, all at once',
      container({
        name: '‸A',
        submit: '{ ‸user: a, port: 25 }',
        capabilities: '[‸queue, ‸danee]',
      }).replace('‸danee', 'dane, ‸dane'),
      'a sender is named in small letters, digits and single hyphens (found "A")',
      'user needs password beside it',
      'queue needs commands.flush, which retries what is queued',
      'given twice',
    ],
  ],
  'name, summary, version': [
    [
      'capitals',
      container({ name: '‸Postfix' }),
      'a sender is named in small letters, digits and single hyphens (found "Postfix")',
    ],
    ...['reference', 'opportunistic', 'mx-connect'].map(
      (name) =>
        [
          `the name of what is built in: ${name}`,
          container({ name: `‸${name}` }),
          `a sender of this name is built into Holdfast: give it another (found "${name}")`,
        ] as const,
    ),
    [
      'a name like an option',
      container({ name: '‸-v' }),
      'a sender is named in small letters, digits and single hyphens (found "-v")',
    ],
    [
      'a hostile name',
      container({ name: '‸"a\\u202eb\\n::error::"' }),
      'a sender is named in small letters, digits and single hyphens (found "a\\u202eb\\n::error::")',
    ],
    [
      'a long name',
      container({ name: `‸${'a'.repeat(41)}` }),
      `takes at most 40 characters (found "${'a'.repeat(41)}")`,
    ],
    ['a summary of two lines', container({ summary: '‸"a\\nb"' }), `${ONE_LINE} (found "a\\nb")`],
    ['no summary', container({ summary: '‸""' }), 'must not be empty (found "")'],
    ['a NUL', container({ summary: '‸"\\0"' }), 'holds a NUL character (found "\\u0000")'],
    [
      'a version without quotes',
      container({ version: '‸3.10' }),
      'expected the version in quotes, or { command: … } (found 3.1)',
    ],
    [
      'a misspelt command',
      container({ version: '‸{ ‸comand: x }' }),
      'command is missing',
      'unknown key (found "comand"; allowed command; did you mean command?)',
    ],
  ],
  'image, build, external': [
    [
      'none of them',
      `‸${container({ image: undefined })}`,
      'does not say where the server comes from: image, build, external or node',
    ],
    [
      'two of them',
      container({ 'build‸': '{ context: image }' }),
      'the server comes from one place, and that is image already (found "build")',
    ],
    [
      'a container and an external sender',
      external({ 'image‸': 'a' }),
      'the server comes from one place, and that is external already (found "image")',
    ],
    [
      'an image like an option',
      container({ image: '‸--privileged' }),
      'expected the name of an image, such as postfix:3.10 (found "--privileged")',
    ],
    [
      'no folder',
      yaml(PLACELESS, { build: '{ context: ‸nowhere }' }),
      'no such folder (found "nowhere")',
    ],
    [
      'a file',
      yaml(PLACELESS, { build: '{ context: ‸main.cf }' }),
      'no such folder (found "main.cf")',
    ],
    [
      'no Dockerfile',
      yaml(PLACELESS, { build: '{ context: ‸hollow }' }),
      'no Dockerfile in this folder (found "hollow")',
    ],
    [
      'arguments',
      yaml(PLACELESS, { build: '{ context: image, args: { ‸a=b: c, SUITE: ‸[] } }' }),
      'a variable is named in letters, digits and underscores (found "a=b")',
      'expected a string, a number, true or false (found [])',
    ],
    [
      'what a Node program has not',
      node({
        'hostname‸': 'mta.test',
        submit: '{ port: 25, ‸host: 127.0.0.1 }',
        log: LOG.replace('{', '{ ‸from: { file: /log },'),
        commands: '{ ‸start: a, ‸stop: b, ‸restart: c }',
      }),
      'where a Node program listens is known; only external senders have a host',
      'the log of a Node program is what it prints: leave this out',
      'only a container has hostname',
      ...['start', 'stop', 'restart'].map(
        (name) => `a Node program is started and ended without ${name}`,
      ),
    ],
    [
      'no address',
      external({ external: '{ dns: ‸localhost, addresses: 10.99.128.0/17 }' }),
      'expected an IPv4 address (found "localhost")',
    ],
    [
      'a name server among the mail exchangers',
      external({ external: '{ dns: ‸10.99.255.1, addresses: 10.99.128.0/17 }' }),
      'lies in 10.99.128.0/17, whose addresses are for mail exchangers: give the name server one of its own',
    ],
    ['no prefix', external({ external: '{ dns: 10.99.0.1, addresses: ‸10.99.128.0 }' }), PREFIX],
    [
      'a prefix of IPv6',
      external({ external: '{ dns: 10.99.0.1, addresses: ‸"2001:db8::/64" }' }),
      PREFIX,
    ],
    [
      'a prefix too wide',
      external({ external: '{ dns: 10.99.0.1, addresses: ‸0.0.0.0/7 }' }),
      PREFIX,
    ],
    [
      'a prefix too narrow',
      external({ external: '{ dns: 10.99.0.1, addresses: ‸10.99.128.0/30 }' }),
      PREFIX,
    ],
    [
      'off its boundary',
      external({ external: '{ dns: 10.99.0.1, addresses: ‸10.99.129.7/17 }' }),
      'this prefix begins at 10.99.128.0/17',
    ],
    [
      'off its boundary, high',
      external({ external: '{ dns: 10.99.0.1, addresses: ‸240.0.0.255/24 }' }),
      'this prefix begins at 240.0.0.0/24',
    ],
  ],
  'what only a container has': [
    [
      'hostname',
      external({ 'hostname‸': 'a' }),
      'only a container has hostname; an external server is set up by its owner',
    ],
    [
      'environment',
      external({ 'environment‸': '{ A: b }' }),
      'only a container has environment; an external server is set up by its owner',
    ],
    [
      'files',
      external({ 'files‸': '{ /a: main.cf }' }),
      'only a container has files; an external server is set up by its owner',
    ],
    [
      'command',
      external({ 'command‸': '[a]' }),
      'only a container has command; an external server is set up by its owner',
    ],
    [
      'kernel settings',
      external({ 'sysctls‸': '{ net.unix.max_dgram_qlen: 512 }' }),
      'only a container has sysctls; an external server is set up by its owner',
    ],
    [
      'a kernel setting that is all of the machine’s',
      container({ sysctls: '{ ‸vm.swappiness: 1, net.core.somaxconn: ‸true }' }),
      'a container has kernel settings of its own for its network only, such as net.unix.max_dgram_qlen (found "vm.swappiness")',
      'expected a string or a number (found true)',
    ],
    ['no host name', container({ hostname: '‸a..b' }), 'expected a host name (found "a..b")'],
    [
      'a variable without a value',
      container({ environment: '{ ‸A: }' }),
      'expected a string, a number, true or false (found null)',
    ],
    [
      'a relative path',
      container({ files: '{ ‸etc/a: main.cf }' }),
      `${FILE_PATH} (found "etc/a")`,
    ],
    [
      'a path with ..',
      container({ files: '{ ‸/etc/../a: main.cf }' }),
      `${FILE_PATH} (found "/etc/../a")`,
    ],
    [
      'no such file',
      container({ files: '{ /etc/a: ‸"\\e[2J" }' }),
      'no such file (found "\\u001b[2J")',
    ],
    ['a folder', container({ files: '{ /etc/a: ‸image }' }), 'no such file (found "image")'],
    [
      'the trust file',
      container({ files: '{ ‸/ca.pem: main.cf }' }),
      'the harness puts a file of its own here (trust)',
    ],
    [
      'the file of the DNS root',
      container({ dnssec: '/root.key', files: '{ ‸/root.key: main.cf }' }),
      'the harness puts a file of its own here (dnssec)',
    ],
    ['an empty command', container({ command: '‸[]' }), 'must not be empty (found [])'],
    [
      'a command in one word',
      container({ command: '‸sh -c start' }),
      'expected a list (found "sh -c start")',
    ],
  ],
  'trust, ready': [
    ['a relative path', container({ trust: '‸ca.pem' }), FILE_PATH],
    ['a folder', container({ trust: '‸/etc/' }), FILE_PATH],
    ['a pattern', container({ ready: "{ log: ‸'(' }" }), `${REGEX}: Unterminated group`],
    [
      'any line',
      container({ ready: '{ log: ‸".*" }' }),
      'matches an empty line, and so any line: make it stricter',
    ],
    [
      'a duration',
      container({ ready: '{ within: ‸1y }' }),
      'expected whole seconds, or a whole number and its unit: 90s, 5m, 1h, 1d, 1w (found "1y")',
    ],
    ['no time at all', container({ ready: '{ within: ‸0 }' }), 'expected between 1s and 1h'],
    ['far too long', container({ ready: '{ within: ‸61m }' }), 'expected between 1s and 1h'],
  ],
  submit: [
    ['no port', container({ submit: '‸{}' }), 'port is missing'],
    [
      'a port in quotes',
      container({ submit: '{ port: ‸"25" }' }),
      'expected a number (found "25")',
    ],
    ['port 0', container({ submit: '{ port: ‸0 }' }), 'less than 1 (found 0)'],
    ['port 65536', container({ submit: '{ port: ‸65536 }' }), 'more than 65535 (found 65536)'],
    [
      'yes',
      container({ submit: '{ port: 25, starttls: ‸yes }' }),
      'expected true or false (found "yes")',
    ],
    [
      'a user alone',
      container({ submit: '{ port: 25, ‸user: a }' }),
      'user needs password beside it',
    ],
    [
      'a password alone',
      container({ submit: '{ port: 25, ‸password: a }' }),
      'password needs user beside it',
    ],
    [
      'the host of a container',
      container({ submit: '{ port: 25, ‸host: 10.0.0.1 }' }),
      'the address of a container is known; only external senders have a host',
    ],
    [
      'no host',
      external({ submit: '‸{ port: 25 }' }),
      'an external sender needs host, the IP address mail is submitted at',
    ],
    [
      'the name of a host',
      external({ submit: '{ port: 25, host: ‸localhost }' }),
      'expected an IP address (found "localhost")',
    ],
  ],
  log: [
    ['no regular expression', sent("‸'(?<recipient>[^>]+'"), `${REGEX}: Unterminated group`],
    ['a hostile one', sent('‸"\\e]0;: x(?<recipient>"'), `${REGEX}: Unterminated group`],
    ['no recipient', sent("‸'^s (.*)$'"), RECIPIENT],
    ['a misspelt recipient', sent("‸'^s (?<recipent>.*)$'"), RECIPIENT],
    ['an escaped one', sent("‸'^s \\(?<recipient>.*'"), RECIPIENT],
    [
      'any line',
      sent("‸'(?<recipient>.*)'"),
      'matches an empty line, and so any line: make it stricter',
    ],
    [
      'two lines',
      sent('‸"(?<recipient>.+)\\n"'),
      'patterns are matched line by line, and this one holds a line end',
    ],
    ['none', sent('‸""'), 'must not be empty (found "")'],
    [
      'a relative file',
      container({ log: LOG.replace('{', '{ from: { file: ‸mail.log },') }),
      FILE_PATH,
    ],
    [
      'somewhere else',
      container({ log: LOG.replace('{', '{ from: ‸stdin,') }),
      'expected "stdout" or a map (found "stdin")',
    ],
    [
      'a command, in a container',
      container({ log: LOG.replace('{', '{ from: { ‸command: a },') }),
      'the log of a container is its stdout or a file in it',
    ],
    [
      'no source, outside',
      external({ log: `‸${LOG}` }),
      'an external sender needs from: { command: … }, which prints its log',
    ],
    [
      'stdout, outside',
      external({ log: LOG.replace('{', '{ from: ‸stdout,') }),
      'the log of an external sender is what a command prints: { command: tail -F … }',
    ],
    [
      'a file, outside',
      external({ log: LOG.replace('{', '{ from: ‸{ file: /log },') }),
      'the log of an external sender is what a command prints: { command: tail -F … }',
    ],
  ],
  'commands and capabilities': [
    [
      'a blank command',
      container({ commands: '{ flush: ‸" " }' }),
      'expected a command (found " ")',
    ],
    [
      'start',
      container({ commands: '{ ‸start: a, ‸stop: b }' }),
      'a container is started and ended without start',
      'a container is started and ended without stop',
    ],
    [
      'a restart of its own, in a container',
      container({ commands: '{ ‸restart: systemctl restart mta }' }),
      'a container is ended and started again, without a command of its own: leave this out',
    ],
    [
      'an unknown capability',
      container({ capabilities: '[‸danee]' }),
      `unknown capability (found "danee"; allowed ${CAPABILITIES}; did you mean dane?)`,
    ],
    ['one twice', container({ capabilities: '[dsn, dane, ‸dsn]' }), 'given twice'],
    [
      'queue',
      container({ capabilities: '[‸queue]' }),
      'queue needs commands.flush, which retries what is queued',
    ],
    [
      'time-travel',
      container({ capabilities: '[‸time-travel]' }),
      'time-travel needs commands.age, which makes policies and mail older',
    ],
    [
      'refresh',
      container({ capabilities: '[‸refresh]' }),
      'refresh needs commands.refresh, which has the sender look for new policies',
    ],
    [
      'a DSN to an address of its own',
      container({ submit: '{ port: 25, from: me@mine.test }', capabilities: '[‸dsn]' }),
      'a bounce goes to submit.from, and so comes not home to the lab: leave dsn out',
    ],
    [
      'an address that is none',
      container({ submit: '{ port: 25, from: ‸me }' }),
      'expected a mail address (found "me")',
    ],
    [
      'tries that nobody counts',
      container({ limits: '{ ‸attempts: 5 }' }),
      'is of use only with the capability queue-lifetime: declare it, or leave this out',
    ],
    [
      'JSON patterns without fields',
      container({ log: LOG.replace("'^s (?<recipient>\\S+)'", '‸{ event: sent }') }),
      'a log in JSON needs log.fields, which says where the recipient stands',
    ],
    [
      'text patterns with fields',
      container({
        log: LOG.replace('{ sent: ', '{ fields: { recipient: to }, sent: ‸')
          .replace('deferred: ', 'deferred: ‸')
          .replace('bounced: ', 'bounced: ‸'),
      }),
      'of a log in JSON (log.fields), says by member what a line has to be',
      'of a log in JSON (log.fields), says by member what a line has to be',
      'of a log in JSON (log.fields), says by member what a line has to be',
    ],
    [
      'a reason that no line asks for',
      container({
        log: LOG.replace('{ ', "{ reason: '^(?<id>\\w+) (?<reason>.*)', ")
          .replace('deferred: ', 'deferred: ‸')
          .replace('bounced: ', 'bounced: ‸'),
      }),
      'needs the named group (?<id>…), by which log.reason is found',
      'needs the named group (?<id>…), by which log.reason is found',
    ],
    [
      'a reason without an id',
      container({ log: LOG.replace('{ ', "{ reason: ‸'^why (?<reason>.*)', ") }),
      'needs the named groups (?<id>…) and (?<reason>…)',
    ],
    [
      'parts of mta-sts',
      container({ capabilities: '[‸testing-mode, ‸persistent-cache]' }),
      'testing-mode is a part of mta-sts: declare that too',
      'persistent-cache is a part of mta-sts: declare that too',
    ],
    [
      'restart, outside',
      external({ capabilities: '[‸restart]' }),
      'restart needs commands.restart: an external server is not restarted without one',
    ],
    [
      'restart, outside, of a server that forgets its policies by it',
      external({ commands: '{ restart: a }', capabilities: '[mta-sts, ‸restart]' }),
      'a restart takes the policies of other scenarios along where the cache is not persistent: leave restart out, or declare persistent-cache',
    ],
    [
      'flush by restart, outside',
      external({ commands: '{ flush: ‸restart }', capabilities: '[queue]' }),
      'restart as flush needs commands.restart: an external server is not restarted without one',
    ],
    [
      'flush by restart, of a server that others use meanwhile',
      container({ commands: '{ flush: ‸restart }', capabilities: '[queue]' }),
      'restart as flush needs limits.instances: exclusive, or it stops the server in the middle of other scenarios',
    ],
    [
      'flush by restart, of a server that forgets its policies by it',
      container({
        commands: '{ flush: ‸restart }',
        capabilities: '[mta-sts, queue]',
        limits: '{ instances: exclusive }',
      }),
      'a restart takes the policies along where the cache is not persistent: name a command that runs the queue, or declare persistent-cache',
    ],
    [
      'a queue that is not declared',
      container({ commands: '{ ‸queue: mailq }' }),
      'is of use only with the capability queue: declare it, or leave this out',
    ],
    [
      'reports that are not declared',
      container({ commands: '{ ‸report: report-now }' }),
      'is of use only with the capability tlsrpt: declare it, or leave this out',
    ],
  ],
  limits: [
    ['none at a time', container({ limits: '{ parallel: ‸0 }' }), 'less than 1 (found 0)'],
    ['too many', container({ limits: '{ parallel: ‸1001 }' }), 'more than 1000 (found 1001)'],
    [
      'half of one',
      container({ limits: '{ parallel: ‸1.5 }' }),
      'expected a whole number (found 1.5)',
    ],
    [
      'instances',
      container({ limits: '{ instances: ‸share }' }),
      'expected shared or exclusive (found "share"; allowed shared, exclusive; did you mean shared?)',
    ],
    [
      'many, outside',
      external({ limits: '{ instances: ‸exclusive }' }),
      'there is one external server, and scenarios share it',
    ],
  ],
};

describe.each(Object.entries(tables))('%s', (_, table) => {
  it.each(table)('%s', (_, text, ...messages) => broken(text, ...messages));
});

it('nothing of a file acts on a terminal, in its frame either', async () => {
  const { problems } = await load(container({ name: 'a\u202eb ##[error]' }));
  expect(formatProblem(problems[0]!)).toBe(
    [
      'sender.yaml:1:7: a sender is named in small letters, digits and single hyphens (found "a\\u202eb")',
      '  1 | name: a·b ·#[error]',
      '    |       ^',
    ].join('\n'),
  );
});

it('any value of any key makes a contract or problems, and no exception', async () => {
  const key = fc.constantFrom(
    ...Object.keys(CONTAINER),
    'build',
    'external',
    'files',
    'environment',
    'commands',
    'limits',
    'ready',
  );
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom({ from: null }, { context: '\0' }, { '/a': '/' }, ['queue', null]),
  );
  await fc.assert(
    fc.asyncProperty(key, value, async (name, any) => {
      const { contract, problems } = await load(container({ [name]: JSON.stringify(any) }));
      expect(contract === undefined).toBe(problems.length > 0);
    }),
    { numRuns: 200 },
  );
});

describe('the JSON Schema', () => {
  type Schema = Readonly<Record<string, any>>;
  const schema = contractJsonSchema() as Schema;

  function* objectsIn(part: unknown, path = ''): Generator<{ path: string; part: Schema }> {
    if (typeof part !== 'object' || part === null) return;
    if ('properties' in part) yield { path, part };
    for (const [key, inner] of Object.entries(part)) yield* objectsIn(inner, `${path}/${key}`);
  }

  it('is draft 2020-12, closed at every level, with every key explained', () => {
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    const objects = [...objectsIn(schema)];
    expect(
      objects.filter(({ part }) => part.additionalProperties !== false).map(({ path }) => path),
    ).toEqual([]);
    const mute = objects.flatMap(({ path, part }) =>
      Object.entries<Schema>(part.properties).flatMap(([key, property]) =>
        property.description ? [] : [`${path}/${key}`],
      ),
    );
    expect(mute).toEqual([]);
  });

  it('asks for what has no default, and for one place', () => {
    expect(schema.required).toEqual([
      'name',
      'summary',
      'version',
      'trust',
      'submit',
      'log',
      'capabilities',
    ]);
    expect(schema.oneOf).toEqual([
      { required: ['image'] },
      { required: ['build'] },
      { required: ['external'] },
      { required: ['node'] },
    ]);
    expect(schema.properties.limits.properties.instances).toMatchObject({
      enum: ['shared', 'exclusive'],
      default: 'shared',
    });
  });
});
