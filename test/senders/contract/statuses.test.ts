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
) => test(title, () => expect(statusReader({ ...LOG, ...log })(line)).toEqual(expected));

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
read(
  'two tokens: the first',
  `to=<${TOKEN}${OTHER}@v.test> sent`,
  expect.objectContaining({ token: TOKEN }),
);
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
  expect([line, line, 'x', line].map((one) => statusOf(one)?.status)).toEqual([
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
