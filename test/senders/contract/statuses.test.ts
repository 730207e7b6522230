import { expect, test } from 'vitest';
import type { LogPatterns } from '../../../harness/model/contract.ts';
import { tokensIn } from '../../../harness/model/message.ts';
import { statusReader } from '../../../harness/senders/contract/statuses.ts';

const TOKEN = 'hf0123456789ab';
const OTHER = 'hfba9876543210';
const LOG: LogPatterns = {
  from: 'stdout',
  sent: '^to=<(?<recipient>[^>]+)> sent(?: \\((?<reason>.*)\\))?$',
  deferred: '^to=<(?<recipient>[^>]+)> deferred \\((?<reason>.*)\\)$',
  bounced: '^(?:to=<(?<recipient>[^>]+)> )?bounced',
};

const read = (
  title: string,
  line: string,
  expected: object | undefined,
  log: Partial<LogPatterns> = {},
) =>
  test(title, () =>
    expect(statusReader({ ...LOG, ...log })(line)).toEqual(expected ? [expected] : []),
  );

read('delivered, with no reason given: the line itself', `to=<${TOKEN}@v.test> sent`, {
  token: TOKEN,
  status: 'delivered',
  detail: `to=<${TOKEN}@v.test> sent`,
});
read('deferred, with a reason', `to=<${TOKEN}@v.test> deferred (no TLS)`, {
  token: TOKEN,
  status: 'deferred',
  detail: 'no TLS',
});
for (const end of ['\u2028', '\u2029', '\r'])
  read(
    `a reason with ${JSON.stringify(end)} in it`,
    `to=<${TOKEN}@v.test> deferred (no${end}TLS)`,
    { token: TOKEN, status: 'deferred', detail: `no${end}TLS` },
  );
read('bounced', `to=<${TOKEN}@v.test> bounced`, {
  token: TOKEN,
  status: 'bounced',
  detail: `to=<${TOKEN}@v.test> bounced`,
});
read('a recipient in capitals', `to=<${TOKEN.toUpperCase()}@V.TEST> deferred ()`, {
  token: TOKEN,
  status: 'deferred',
  detail: '',
});
read('somebody else', 'to=<root@v.test> deferred (no TLS)', undefined);
read('a token outside the recipient', `to=<root@v.test> deferred (${TOKEN})`, undefined);
read('a recipient outside the match', 'bounced', undefined);
read('a line of something else', `${TOKEN}@v.test: queued`, undefined);
read('an empty line', '', undefined);
read('a pattern without a recipient', `to=<${TOKEN}@v.test> gone`, undefined, { sent: 'gone$' });
read(
  'a pattern without groups is not the last word',
  `to=<${TOKEN}@v.test> bounced`,
  expect.objectContaining({ status: 'bounced' }),
  {
    sent: 'bounced$',
  },
);
read(
  'two patterns that match: the first of sent, deferred, bounced',
  `to=<${TOKEN}@v.test>`,
  expect.objectContaining({ status: 'delivered' }),
  {
    sent: '<(?<recipient>.*)>',
    bounced: '<(?<recipient>.*)>',
  },
);
test('several recipients: the same of each', () => {
  const statusOf = statusReader({ ...LOG, sent: '^to=(?<recipient>\\S+) sent (?<reason>.*)$' });
  expect(statusOf(`to=<${TOKEN}@v.test>,<${OTHER}@w.test> sent OK`)).toEqual([
    { token: TOKEN, status: 'delivered', detail: 'OK' },
    { token: OTHER, status: 'delivered', detail: 'OK' },
  ]);
});
test('several results in one line: of each recipient its own', () => {
  const statusOf = statusReader({
    ...LOG,
    sent: 'to=(?<recipient>\\S+) sent',
    deferred: 'to=(?<recipient>\\S+) deferred \\((?<reason>.*?)\\)',
    bounced: 'to=(?<recipient>\\S+) ',
  });
  expect(statusOf(`to=${OTHER}@w.test deferred (no TLS), to=${TOKEN}@v.test sent`)).toEqual([
    { token: TOKEN, status: 'delivered', detail: expect.any(String) },
    { token: OTHER, status: 'deferred', detail: 'no TLS' },
  ]);
});
read('a reason without end is cut', `to=<${TOKEN}@v.test> deferred (${'x'.repeat(5000)})`, {
  token: TOKEN,
  status: 'deferred',
  detail: 'x'.repeat(500),
});
read(
  'what a terminal would obey is kept as it is, for whoever prints it',
  `to=<${TOKEN}@v.test> deferred (\x1b[2J\u202e)`,
  {
    token: TOKEN,
    status: 'deferred',
    detail: '\x1b[2J\u202e',
  },
);

test('the reader remembers nothing between lines', () => {
  const statusOf = statusReader(LOG);
  const line = `to=<${TOKEN}@v.test> sent`;
  expect([line, line, 'x', line].map((one) => statusOf(one)[0]?.status)).toEqual([
    'delivered',
    'delivered',
    undefined,
    'delivered',
  ]);
});

test.each<[string, string, string[]]>([
  ['none', 'Mail queue is empty', []],
  ['once each, in order', `${OTHER} ${TOKEN} ${OTHER}@v.test`, [OTHER, TOKEN]],
  ['in capitals', TOKEN.toUpperCase(), [TOKEN]],
  ['too short', TOKEN.slice(0, -1), []],
  ['with a stranger before it', `x${TOKEN}`, [TOKEN]],
])('tokens in a queue: %s', (_, text, tokens) => expect(tokensIn(text)).toEqual(tokens));

test('a reason on a line of its own is that of the next line with its id', () => {
  const said = statusReader({
    ...LOG,
    deferred: '^(?<id>\\w+): to=<(?<recipient>[^>]+)> deferred$',
    reason: '^(?<id>\\w+): error (?<reason>.*)$',
  });
  expect(said('A1: error no TLS')).toEqual([]);
  expect(said('B2: error no route')).toEqual([]);
  expect(said(`A1: to=<${TOKEN}@v.test> deferred`)).toMatchObject([{ detail: 'no TLS' }]);
  expect(said(`C3: to=<${TOKEN}@v.test> deferred`)).toMatchObject([
    { detail: `C3: to=<${TOKEN}@v.test> deferred` },
  ]);
});

test('reasons that nobody asks for are forgotten, the oldest first', () => {
  const said = statusReader({
    ...LOG,
    deferred: '^(?<id>\\w+): to=<(?<recipient>[^>]+)> deferred$',
    reason: '^(?<id>\\w+): error (?<reason>.*)$',
  });
  for (let n = 0; n <= 1000; n++) said(`q${n}: error ${n}`);
  expect(said(`q0: to=<${TOKEN}@v.test> deferred`)[0]?.detail).toContain('deferred');
  expect(said(`q1: to=<${TOKEN}@v.test> deferred`)[0]?.detail).toBe('1');
});

test('a log in JSON is read by its members', () => {
  const said = statusReader({
    from: 'stdout',
    fields: { recipient: 'rcpt.to', reason: 'error' },
    sent: { event: '^delivered$' },
    deferred: { event: '^failed$', permanent: '^false$' },
    bounced: { event: '^failed$', permanent: '^true$' },
  });
  const line = (value: object) => JSON.stringify({ rcpt: { to: [`${TOKEN}@v.test`] }, ...value });
  expect(said(line({ event: 'delivered' }))).toMatchObject([{ token: TOKEN, status: 'delivered' }]);
  expect(said(line({ event: 'failed', permanent: false, error: 'no TLS' }))).toEqual([
    { token: TOKEN, status: 'deferred', detail: 'no TLS' },
  ]);
  expect(said(line({ event: 'failed', permanent: true }))).toMatchObject([{ status: 'bounced' }]);
  expect(said(line({ event: 'queued' }))).toEqual([]);
  expect(said('no JSON')).toEqual([]);
  expect(said('"a string"')).toEqual([]);
});

const JSON_LOG: LogPatterns = {
  from: 'stdout',
  fields: { recipient: 'mail.to', reason: 'event.reason' },
  sent: { 'event.action': '^delivered$' },
  deferred: { 'event.action': '^retry$' },
  bounced: { 'event.action': '^failed$' },
};

test.each<[string, string]>([
  ['alone', ''],
  ['behind what syslog puts before it', 'Dec 01 10:00:00 host my-mta[1]: '],
])('a record in JSON %s', (_, prefix) => {
  const record = { event: { action: 'retry', reason: 'no TLS' }, mail: { to: `${TOKEN}@v.test` } };
  expect(statusReader(JSON_LOG)(prefix + JSON.stringify(record))).toEqual([
    { token: TOKEN, status: 'deferred', detail: 'no TLS' },
  ]);
});

test('a name with dots is that of one member, or the way to it', () => {
  const said = (record: object) => statusReader(JSON_LOG)(JSON.stringify(record));
  const retried = [{ token: TOKEN, status: 'deferred', detail: 'no TLS' }];
  const to = `${TOKEN}@v.test`;
  expect(said({ 'event.action': 'retry', 'event.reason': 'no TLS', 'mail.to': to })).toEqual(
    retried,
  );
  expect(
    said({
      event: { action: 'delivered' },
      'event.action': 'retry',
      'event.reason': 'no TLS',
      mail: { to },
    }),
  ).toEqual(retried);
  const nested: LogPatterns = { ...JSON_LOG, deferred: { 'log.event.action': '^retry$' } };
  expect(
    statusReader(nested)(
      JSON.stringify({ log: { 'event.action': 'retry' }, 'event.reason': 'no TLS', 'mail.to': to }),
    ),
  ).toEqual(retried);
});

test('a pattern is tried on the beginning of a long line, and a record in JSON is whole', () => {
  const long = 'x'.repeat(200_000);
  const record = {
    text: long,
    event: { action: 'retry', reason: long },
    mail: { to: `${TOKEN}@v.test` },
  };
  expect(statusReader(JSON_LOG)(JSON.stringify(record))).toEqual([
    { token: TOKEN, status: 'deferred', detail: 'x'.repeat(500) },
  ]);
  expect(statusReader({ ...LOG, bounced: '(?<recipient>\\S+@\\S+) was sent back' })(long)).toEqual(
    [],
  );
});
