import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPki } from '../../certs/index.ts';
import { listening } from '../../harness/lab/fabric.ts';
import { type Lab, startLab } from '../../harness/lab/lab.ts';
import { servePath } from '../../harness/lab/path.ts';
import { createTlsAcceptor } from '../../harness/lab/tls.ts';
import { BODY_MARK, SUBJECT_MARK } from '../../harness/model/message.ts';
import type { Event } from '../../harness/model/observation.ts';
import type {
  DialoguePlan,
  EhloPlan,
  MxPlan,
  ReplyPlan,
  StarttlsPlan,
  TlsPlan,
} from '../../harness/model/plan.ts';
import { clientHello, dial, oneMx, openWorld, type Peer, type TestWorld } from './world.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const MX = 'mx1.victim.test';
const TOKEN = 'hf0123456789ab';
const CONTENT = `Subject: holdfast ${TOKEN}\r\n\r\nhello\r\n`;

const world = (mx: MxPlan = {}) => openWorld(lab, oneMx(mx));
const commandsOf = (seen: TestWorld) => seen.seen('smtp-command').map((one) => one.verb);
const trusting = (seen: TestWorld): tls.ConnectionOptions => ({
  ca: lab.access.trust.mxHosts,
  servername: seen.name(MX),
});

describe('transparent', () => {
  test('in clear: the message arrives, and everything is recorded in order', async () => {
    using seen = world();
    const peer = await seen.dial();
    expect(await peer.reply()).toMatch(/^220 mx\.test ESMTP/);
    expect(await peer.say('EHLO probe.test')).toMatch(/^250-.*\n(250-.*\n)*250 STARTTLS$/);
    expect(await deliver(peer)).toMatch(/^250 /);
    expect(await peer.say('QUIT')).toMatch(/^221 /);
    expect(await peer.over).toBe('end');
    peer.socket.end();
    await seen.until('smtp-closed');
    expect(seen.observations.map(told).slice(1)).toEqual([
      'smtp-connection',
      'reply connect 220',
      'EHLO',
      'reply EHLO 250',
      'MAIL',
      'reply MAIL 250',
      'RCPT',
      'reply RCPT 250',
      'DATA',
      'reply DATA 354',
      'smtp-data',
      'message-accepted',
      'reply . 250',
      'QUIT',
      'reply QUIT 221',
      'smtp-closed',
    ]);
    expect(
      new Set(seen.observations.flatMap((one) => ('connection' in one ? one.connection : []))),
    ).toEqual(new Set(['c1']));
    expect(seen.seen('smtp-connection')).toMatchObject([
      { mx: seen.name(MX), nth: 1, address: expect.stringMatching(/^127\./) },
    ]);
    expect(seen.seen('smtp-command')[1]).toMatchObject({
      line: 'MAIL FROM:<a@sender.test>',
      secure: false,
      authenticated: false,
      early: false,
    });
    expect(seen.seen('smtp-reply').every((reply) => !reply.changed)).toBe(true);
    expect(seen.seen('smtp-data')).toMatchObject([
      {
        secure: false,
        authenticated: false,
        tokens: [TOKEN],
        bytes: CONTENT.length + 3,
        excerpt: `${CONTENT}.\r\n`,
      },
    ]);
    expect(seen.seen('message-accepted')).toMatchObject([
      {
        secure: false,
        authenticated: false,
        mailFrom: 'a@sender.test',
        rcptTo: ['b@victim.test'],
        tokens: [TOKEN],
        subject: `holdfast ${TOKEN}`,
      },
    ]);
    expect(seen.seen('smtp-closed')).toMatchObject([{ by: 'sender', how: 'after QUIT' }]);
  });

  test('in TLS: secure and authenticated, in the accepted message as well', async () => {
    using seen = world();
    const peer = await secured(seen);
    expect(await peer.say('EHLO probe.test')).not.toContain('STARTTLS');
    await deliver(peer);
    await peer.say('QUIT');
    expect(await peer.over).toBe('end');
    peer.socket.destroy();
    await seen.idle();
    expect(seen.seen('tls-handshake')).toMatchObject([
      {
        connection: 'c1',
        service: 'mx',
        host: seen.name(MX),
        servername: seen.name(MX),
        certificate: 'right',
        authenticated: true,
        result: 'completed',
      },
    ]);
    expect(
      seen.seen('smtp-command').map((one) => [one.verb, one.secure, one.authenticated]),
    ).toEqual([
      ['EHLO', false, false],
      ['STARTTLS', false, false],
      ...['EHLO', 'MAIL', 'RCPT', 'DATA', 'QUIT'].map((verb) => [verb, true, true]),
    ]);
    expect(seen.seen('smtp-data')).toMatchObject([{ secure: true, authenticated: true }]);
    expect(seen.seen('message-accepted')).toMatchObject([
      { connection: 'c1', secure: true, authenticated: true },
    ]);
  });

  test('a certificate that identifies somebody else: secure, but not authenticated', async () => {
    using seen = world({ tls: { certificate: 'self-signed' } });
    const peer = await secured(seen, { rejectUnauthorized: false });
    await peer.say('EHLO probe.test');
    await deliver(peer);
    expect(seen.seen('message-accepted')).toMatchObject([{ secure: true, authenticated: false }]);
  });

  test('several messages on one connection, one of them taken back', async () => {
    using seen = world();
    const peer = await greeted(seen);
    await deliver(peer);
    await peer.say('MAIL FROM:<x@sender.test>');
    expect(await peer.say('RSET')).toMatch(/^250 /);
    await deliver(peer, { from: '', content: 'Subject: two\r\n\r\nhf00000000000e\r\n' });
    expect(
      seen.seen('message-accepted').map((one) => [one.mailFrom, one.subject, one.tokens]),
    ).toEqual([
      ['a@sender.test', `holdfast ${TOKEN}`, [TOKEN]],
      ['', 'two', ['hf00000000000e']],
    ]);
  });

  test('two connections at once: each message knows its own channel', async () => {
    using seen = world();
    const [clear, inTls] = await Promise.all([greeted(seen), secured(seen)]);
    await inTls.say('EHLO probe.test');
    await Promise.all([
      deliver(clear, { from: 'clear@x.test' }),
      deliver(inTls, { from: 'tls@x.test' }),
    ]);
    const channels = seen.seen('message-accepted').map((one) => `${one.mailFrom} ${one.secure}`);
    expect(channels.sort()).toEqual(['clear@x.test false', 'tls@x.test true']);
  });

  test('an empty message', async () => {
    using seen = world();
    const peer = await greeted(seen);
    expect(await deliver(peer, { content: '' })).toMatch(/^250 /);
    expect(seen.seen('smtp-data')).toMatchObject([{ bytes: 3, excerpt: '.\r\n', tokens: [] }]);
    expect(seen.seen('message-accepted')).toMatchObject([{ tokens: [] }]);
  });

  test('a message of 5 MB arrives to its last word; one of more than 10 MB is refused (RFC 1870 §6.2)', async () => {
    using seen = world();
    const peer = await greeted(seen);
    const line = `${'x'.repeat(76)}\r\n`;
    const large = line.repeat(5e6 / line.length);
    expect(await deliver(peer, { content: `${large}${TOKEN}\r\n` })).toMatch(/^250 /);
    expect(seen.seen('message-accepted')).toMatchObject([{ tokens: [TOKEN] }]);
    expect(seen.seen('smtp-data')).toMatchObject([
      { bytes: large.length + TOKEN.length + 5, tokens: [] },
    ]);
    expect(await deliver(peer, { content: large.repeat(3) })).toMatch(/^552 /);
    expect(seen.seen('message-accepted')).toHaveLength(1);
  });
});

describe('the EHLO reply', () => {
  const edited = async (peer: Peer) =>
    (await peer.say('EHLO probe.test'))
      .split('\n')
      .map((line) => line.slice(4))
      .slice(1);
  test.each<[EhloPlan, (honest: string[]) => string[], boolean]>([
    [{}, (honest) => honest, false],
    [{ remove: ['STARTTLS'] }, (honest) => honest.filter((line) => line !== 'STARTTLS'), true],
    [
      { remove: ['size', 'NONE'] },
      (honest) => honest.filter((line) => !line.startsWith('SIZE')),
      true,
    ],
    [{ remove: ['NONE'] }, (honest) => honest, false],
    [
      { overwrite: { STARTTLS: 'XXXXXXXA' } },
      (honest) => honest.map((line) => (line === 'STARTTLS' ? 'XXXXXXXA' : line)),
      true,
    ],
    [
      { overwrite: { SIZE: 'SIZE 1' } },
      (honest) => honest.map((line) => (line.startsWith('SIZE') ? 'SIZE 1' : line)),
      true,
    ],
    [{ add: ['X-ONE', 'X-TWO 2'] }, (honest) => [...honest, 'X-ONE', 'X-TWO 2'], true],
    [
      { remove: ['STARTTLS'], add: ['starttls'] },
      (honest) => [...honest.filter((line) => line !== 'STARTTLS'), 'starttls'],
      true,
    ],
  ])('before TLS: %j', async (ehlo, expected, changed) => {
    using honest = world();
    using seen = world({ beforeTls: { ehlo } });
    const [one, other] = await Promise.all([honest.dial(), seen.dial()]);
    await Promise.all([one.reply(), other.reply()]);
    expect(await edited(other)).toEqual(expected(await edited(one)));
    expect(seen.seen('smtp-reply').at(-1)).toMatchObject({ to: 'EHLO', changed });
  });

  test('after TLS, by a plan of its own', async () => {
    using seen = world({
      beforeTls: { ehlo: { add: ['BEFORE'] } },
      afterTls: { ehlo: { remove: ['SIZE'], add: ['STARTTLS', 'AFTER'] } },
    });
    const peer = await secured(seen);
    const lines = await edited(peer);
    expect(lines.slice(-2)).toEqual(['STARTTLS', 'AFTER']);
    expect(lines.some((line) => line.startsWith('SIZE') || line === 'BEFORE')).toBe(false);
  });
});

describe('REQUIRETLS (RFC 8689)', () => {
  const inTls = async (seen: TestWorld) => {
    const peer = await seen.dial();
    await peer.reply();
    const outside = await peer.say('EHLO probe.test');
    await peer.say('STARTTLS');
    const secured = await peer.secure(trusting(seen));
    return { outside, peer: secured, inside: await secured.say('EHLO probe.test') };
  };
  const MAIL = 'MAIL FROM:<probe@sender.test> REQUIRETLS SIZE=100';

  test('is offered inside TLS by a host that does it, and MAIL may carry it', async () => {
    using seen = world({ requiretls: true });
    const { outside, inside, peer } = await inTls(seen);
    expect([outside, inside].map((reply) => /^250[ -]REQUIRETLS$/m.test(reply))).toEqual([
      false,
      true,
    ]);
    expect(await peer.say(MAIL)).toMatch(/^250 /);
    expect(seen.seen('smtp-command').at(-1)).toMatchObject({ verb: 'MAIL', line: MAIL });
  });

  test('an attack takes the keyword away, and the parameter is taken all the same', async () => {
    using seen = world({ requiretls: true, afterTls: { ehlo: { remove: ['REQUIRETLS'] } } });
    const { inside, peer } = await inTls(seen);
    expect(inside).not.toContain('REQUIRETLS');
    expect(await peer.say(MAIL)).toMatch(/^250 /);
  });

  test('whoever strips TLS takes it in clear', async () => {
    using seen = world({ requiretls: true, beforeTls: { ehlo: { remove: ['STARTTLS'] } } });
    const peer = await seen.dial();
    await peer.reply();
    await peer.say('EHLO probe.test');
    expect(await peer.say(MAIL)).toMatch(/^250 /);
  });

  test('a host that does not do it knows no such parameter', async () => {
    using seen = world();
    const { inside, peer } = await inTls(seen);
    expect(inside).not.toContain('REQUIRETLS');
    expect(await peer.say(MAIL)).toMatch(/^555 /);
    expect(await peer.say('MAIL FROM:<requiretls@sender.test>')).toMatch(/^250 /);
  });
});

describe('what content holds, and what a DSN says', () => {
  const deliverText = async (text: string) => {
    using seen = world();
    const peer = await seen.dial();
    await peer.reply();
    await peer.say('EHLO probe.test');
    await peer.say('MAIL FROM:<>');
    await peer.say('RCPT TO:<probe@sender.test>');
    await peer.say('DATA');
    await peer.say(`${text}\r\n.`);
    const [[data], [accepted]] = [seen.seen('smtp-data'), await seen.until('message-accepted')];
    return { data: data!, accepted: accepted! };
  };
  const group = (token: string, action: string) =>
    `Final-Recipient: rfc822; ${token}@victim.test\r\nAction: ${action}\r\nStatus: 5.7.30`;
  const report = (...groups: string[]) =>
    [
      'Content-Type: multipart/report; boundary=x\r\n\r\n--x',
      'Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; sender.test\r\n',
      groups.join('\r\n\r\n'),
      `--x\r\nContent-Type: text/rfc822-headers\r\n\r\n${CONTENT}--x--`,
    ].join('\r\n');

  test.each([
    ['nothing of ours', 'Subject: else\r\n\r\nwords', undefined],
    ['the header of a message', CONTENT, 'header'],
    ['its body too', `${CONTENT}This is a test message of Holdfast.`, 'body'],
  ])('%s', async (_, text, quotes) => {
    expect((await deliverText(text)).data.quotes).toBe(quotes);
  });

  test('status, action, and the recipients that failed', async () => {
    const other = 'hfaaaaaaaaaaaa';
    const { accepted } = await deliverText(report(group(TOKEN, 'failed'), group(other, 'delayed')));
    expect(accepted).toMatchObject({
      dsnAction: 'failed',
      dsnStatus: '5.7.30',
      dsnFailed: [TOKEN],
    });
  });

  test('a DSN that names nobody of ours does not say who failed', async () => {
    const { accepted } = await deliverText(report(group('somebody', 'failed')));
    expect(accepted).toMatchObject({ dsnAction: 'failed' });
    expect(accepted.dsnFailed).toBeUndefined();
  });
});

describe('replies as planned', () => {
  const beforeTls = (replies: DialoguePlan['replies']) => world({ beforeTls: { replies } });

  test.each<[string, ReplyPlan['text'], string]>([
    ['in one line', '220 other ESMTP', '220 other ESMTP'],
    ['in several', ['220-a', '220 b'], '220-a\n220 b'],
    ['that says no', '554 5.7.1 no', '554 5.7.1 no'],
  ])('a greeting %s', async (_what, text, expected) => {
    using seen = world({ greeting: { text } });
    const peer = await seen.dial();
    expect(await peer.reply()).toBe(expected);
    expect(seen.seen('smtp-reply')).toMatchObject([
      { to: 'connect', reply: expected, changed: true },
    ]);
    expect(await peer.say('QUIT')).toMatch(/^221/);
  });

  test.each(['HELO', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'RSET', 'NOOP', 'VRFY', 'QUIT'])(
    '%s is refused, and the exchanger never hears of it',
    async (verb) => {
      using seen = beforeTls({ [verb]: { text: '451 4.0.0 not now' } });
      const peer = await greeted(seen, verb === 'EHLO' ? 'HELO' : 'EHLO');
      if (['RCPT', 'DATA'].includes(verb)) await peer.say('MAIL FROM:<a@sender.test>');
      if (verb === 'DATA') await peer.say('RCPT TO:<b@victim.test>');
      const line =
        { MAIL: 'MAIL FROM:<a@sender.test>', RCPT: 'RCPT TO:<b@victim.test>' }[verb] ?? verb;
      expect(await peer.say(line)).toBe('451 4.0.0 not now');
      expect(seen.seen('smtp-reply').at(-1)).toMatchObject({ to: verb });
      if (verb === 'QUIT') expect(await peer.over).toBe('end');
      else expect(await peer.say(verb === 'NOOP' ? 'RSET' : 'NOOP')).toMatch(/^250/);
    },
  );

  test('the end of data is refused, and nothing arrives; the connection is as good as before', async () => {
    using seen = beforeTls({ '.': { text: '451 4.3.0 try later' } });
    const peer = await greeted(seen);
    for (let i = 0; i < 2; i++) expect(await deliver(peer)).toBe('451 4.3.0 try later');
    expect(await peer.say('NOOP')).toMatch(/^250/);
    expect(seen.seen('smtp-data')).toHaveLength(2);
    expect(seen.seen('message-accepted')).toEqual([]);
    // The next channel of the same connection is not under that plan.
    await peer.say('STARTTLS');
    const inTls = await peer.secure(trusting(seen));
    await inTls.say('EHLO probe.test');
    expect(await deliver(inTls)).toMatch(/^250 /);
    expect(seen.seen('message-accepted')).toMatchObject([{ secure: true }]);
  });

  test('what is granted in other words is granted: the message arrives', async () => {
    const said = {
      EHLO: '250 other',
      MAIL: '250 m',
      RCPT: '251 r',
      DATA: '354 d',
      '.': ['250-a', '250 b'],
    };
    using seen = beforeTls(
      Object.fromEntries(Object.entries(said).map(([verb, text]) => [verb, { text }])),
    );
    const peer = await seen.dial();
    await peer.reply();
    const replies = [
      await peer.say('EHLO probe.test'),
      await peer.say('MAIL FROM:<a@sender.test>'),
      await peer.say('RCPT TO:<b@victim.test>'),
      await peer.say('DATA'),
    ];
    expect(replies).toEqual(['250 other', '250 m', '251 r', '354 d']);
    expect(await peer.say(`${CONTENT}.`)).toBe('250-a\n250 b');
    expect(seen.seen('message-accepted')).toMatchObject([{ tokens: [TOKEN] }]);
  });

  test('content that the plan lets in and the exchanger did not ask for is recorded and goes nowhere', async () => {
    using seen = beforeTls({ RCPT: { text: '550 5.1.1 nobody' }, DATA: { text: '354 go on' } });
    const peer = await greeted(seen);
    await peer.say('MAIL FROM:<a@sender.test>');
    await peer.say('RCPT TO:<b@victim.test>');
    await peer.say('DATA');
    expect(await peer.say(`${CONTENT}.`)).toMatch(/^503/);
    expect(await peer.say('NOOP')).toMatch(/^250/);
    expect(seen.seen('smtp-data')).toMatchObject([{ tokens: [TOKEN] }]);
    expect(seen.seen('message-accepted')).toEqual([]);
  });

  const places = ['greeting', 'EHLO', 'MAIL', 'DATA', '.', 'QUIT'] as const;
  const ends = [
    { then: 'close', text: '421 4.3.2 bye' },
    { then: 'reset', text: '421 4.3.2 bye' },
    { then: 'close' },
    { then: 'reset' },
  ] as const;
  test.each(
    places.flatMap((place) =>
      ends.flatMap((plan) => [false, true].map((inTls) => ({ place, plan, inTls }))),
    ),
  )('$place: $plan, in TLS: $inTls', async ({ place, plan, inTls }) => {
    const dialogue: DialoguePlan = { replies: { [place]: plan } };
    using seen = world(
      place === 'greeting'
        ? { greeting: plan }
        : inTls
          ? { afterTls: dialogue }
          : { beforeTls: dialogue },
    );
    const peer = inTls && place !== 'greeting' ? await secured(seen) : await seen.dial();
    const replies = await speak(peer, place === 'greeting' || !inTls);
    // A RST may overtake the reply before it.
    if (plan.then === 'close' && 'text' in plan) expect(replies.at(-1)).toBe(plan.text);
    if (!('text' in plan)) expect(replies.at(-1) ?? '').not.toMatch(/^421/);
    expect(await peer.over).toBe(plan.then === 'close' ? 'end' : 'reset');
    peer.socket.destroy();
    expect(await seen.until('smtp-closed')).toMatchObject([{ by: 'path', how: plan.then }]);
    expect(seen.seen('lab-fault')).toEqual([]);
  });

  test.each(['greeting', 'MAIL', 'QUIT'])('%s: stalls until the sender goes', async (place) => {
    using seen = world(
      place === 'greeting'
        ? { greeting: { then: 'stall' } }
        : { beforeTls: { replies: { [place]: { then: 'stall' } } } },
    );
    const peer = await seen.dial();
    if (place !== 'greeting') {
      await peer.reply();
      await peer.say('EHLO probe.test');
      peer.send(`${place} FROM:<a@sender.test>\r\n`);
      await seen.until('smtp-command', 2);
    }
    // A sender that floods a silent server must not keep it from seeing the end.
    peer.send(Buffer.alloc(4e6, 'x'));
    peer.socket.end();
    expect(await seen.until('smtp-closed')).toMatchObject([{ by: 'sender', how: 'stall' }]);
    expect(peer.unread()).toBe('');
  });

  test('a late reply is late, and nobody waits for it once the sender has gone', async () => {
    using seen = beforeTls({ MAIL: { delayMs: 50 }, RCPT: { delayMs: 3_600_000 } });
    const peer = await greeted(seen);
    const asked = performance.now();
    expect(await peer.say('MAIL FROM:<a@sender.test>')).toMatch(/^250/);
    expect(performance.now() - asked).toBeGreaterThan(45);
    peer.send('RCPT TO:<b@victim.test>\r\n');
    await seen.until('smtp-command', 3);
    peer.socket.destroy();
    await seen.idle();
    expect(seen.seen('smtp-closed')).toHaveLength(1);
  });

  test.each([1, 2, 3])(
    'connection %i is under the plan for its number, counted anew in each step',
    async (nth) => {
      const plan: MxPlan = {
        connections: [{ nth: [2, 3], change: { greeting: { text: '421 busy', then: 'close' } } }],
      };
      using seen = world(plan);
      for (const step of [1, 2]) {
        if (step > 1) await seen.arrange(oneMx(plan));
        for (let i = 1; i < nth; i++) await seen.dial().then((peer) => peer.reply());
        expect(await (await seen.dial()).reply()).toMatch(nth === 1 ? /^220/ : /^421 busy/);
        expect(seen.seen('smtp-connection').at(-1)!.nth).toBe(nth);
      }
    },
  );
});

describe('byte by byte', () => {
  const replies = (reply: ReplyPlan, verb = 'EHLO') =>
    world({ beforeTls: { replies: { [verb]: reply } } });
  /** What comes in answer to an EHLO until the connection ends, each segment for itself. */
  const heard = async (seen: TestWorld, enough: (text: string) => boolean) => {
    const peer = await seen.dial();
    await peer.reply();
    const chunks: string[] = [];
    peer.socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk.toString('latin1'));
      if (enough(chunks.join(''))) peer.socket.destroy();
    });
    peer.send('EHLO probe.test\r\n');
    await peer.over;
    peer.socket.destroy();
    return chunks;
  };

  test.each<[string, string]>([
    ['lines without CR', '250-one\n250 STARTTLS\n'],
    ['a NUL and a byte above 127', '250-a\0b\r\n250 \xff\r\n'],
    ['other codes in one reply', '250-one\r\n550 two\r\n'],
    ['no last line', '250-one\r\n250-two\r\n'],
  ])('%s', async (_what, bytes) => {
    using seen = replies({ bytes });
    const chunks = await heard(seen, (text) => text.length >= bytes.length);
    expect(chunks.join('')).toBe(bytes);
    expect(seen.seen('smtp-reply').at(-1)).toMatchObject({
      to: 'EHLO',
      reply: bytes,
      changed: true,
    });
  });

  test('a list gives the segments, and each comes alone', async () => {
    using seen = replies({ bytes: ['250-one\r\n25', '0 two\r\n'] });
    expect(await heard(seen, (text) => text.endsWith('two\r\n'))).toEqual([
      '250-one\r\n25',
      '0 two\r\n',
    ]);
  });

  test('what is repeated makes a line as long as one likes, and the dialogue goes on after it', async () => {
    using seen = replies({ bytes: ['250 ', { repeat: 'xy', times: 100_000 }, '\r\n'] });
    const peer = await seen.dial();
    await peer.reply();
    expect(await peer.say('EHLO probe.test')).toBe(`250 ${'xy'.repeat(100_000)}`);
    expect(await peer.say('NOOP')).toMatch(/^250/);
    expect(seen.seen('smtp-reply')[1]!.reply).toBe(`250 ${'xy'.repeat(198)}`);
  });

  test.each(['x', '250-x\r\n'])('%j without end: it ends with the sender', async (repeat) => {
    using seen = replies({ bytes: ['250-', { repeat }] });
    const chunks = await heard(seen, (text) => text.length > 1_000_000);
    expect(chunks.join('').startsWith(`250-${repeat.repeat(1000)}`)).toBe(true);
    await seen.until('smtp-closed');
    expect(seen.seen('lab-fault')).toEqual([]);
  });

  test('without end, to one who takes it all: the path ends it', async () => {
    using seen = replies({ bytes: [{ repeat: '250-x\r\n' }] });
    const chunks = await heard(seen, () => false);
    expect(chunks.join('').length).toBeGreaterThan(10_000_000);
    expect(await seen.until('smtp-closed')).toMatchObject([
      { by: 'path', how: 'said without end' },
    ]);
  });

  test.each<[ReplyPlan, number]>([
    [{ pace: { bytes: 1, everyMs: 1 } }, 30],
    [{ text: ['250-one', '250 two'], pace: { bytes: 4, everyMs: 2 } }, 4],
  ])('bit by bit: %j', async (reply, segments) => {
    using seen = replies(reply);
    const chunks = await heard(seen, (text) => /^250 .*\r\n$/m.test(text));
    expect(chunks.length).toBeGreaterThanOrEqual(segments);
  });

  test('to DATA and the end of it: what the first byte grants is granted', async () => {
    using seen = world({
      beforeTls: { replies: { DATA: { bytes: '354\r\n' }, '.': { bytes: '250\r\n' } } },
    });
    const peer = await greeted(seen);
    expect(await deliver(peer)).toBe('250');
    expect(seen.seen('message-accepted')).toHaveLength(1);
  });

  test.each<[StarttlsPlan, string]>([
    [{ reply: { bytes: '220 go\n' } }, '220 go\n'],
    [{ reply: { bytes: '220 go\r\n' }, inject: ['250 x'] }, '220 go\r\n250 x\r\n'],
  ])('STARTTLS: %j, and then TLS', async (plan, expected) => {
    using seen = world({ starttls: plan });
    const peer = await greeted(seen);
    const [chunk] = await Promise.all([once(peer.socket, 'data'), peer.send('STARTTLS\r\n')]);
    expect(String(chunk)).toBe(expected);
    expect(await (await peer.secure(trusting(seen))).say('EHLO probe.test')).toMatch(/^250/);
  });

  test.each([10, 100_000])('content is cut after %i bytes, and never arrives', async (bytes) => {
    using seen = world({ beforeTls: { cutContentAfter: bytes } });
    const peer = await greeted(seen);
    const content = 'x'.repeat(98).concat('\r\n').repeat(2000);
    for (const line of ['MAIL FROM:<a@sender.test>', 'RCPT TO:<b@victim.test>', 'DATA'])
      await peer.say(line);
    peer.send(`${content}.\r\n`);
    expect(await peer.over).toBe('reset');
    expect(await seen.until('smtp-closed')).toMatchObject([
      { by: 'path', how: 'reset in the middle of DATA' },
    ]);
    expect(seen.seen('message-accepted')).toEqual([]);
    // The next connection is under the same plan, and a message that is shorter arrives.
    if (bytes < 1000) return;
    expect(await deliver(await greeted(seen))).toMatch(/^250/);
  });
});

describe('STARTTLS', () => {
  const starttls = (plan: StarttlsPlan) => world({ starttls: plan });

  test.each(['454 4.7.0 no', '502 5.5.1 no', '501 no', '421 no'])(
    'refused with %s, and the dialogue goes on in clear',
    async (text) => {
      using seen = starttls({ reply: { text } });
      const peer = await greeted(seen);
      expect(await peer.say('STARTTLS')).toBe(text);
      expect(await deliver(peer)).toMatch(/^250/);
      expect(seen.seen('smtp-reply').find((one) => one.to === 'STARTTLS')).toMatchObject({
        reply: text,
        changed: true,
      });
      expect(seen.seen('message-accepted')).toMatchObject([{ secure: false }]);
    },
  );

  test.each(['close', 'reset'] as const)('%s in place of a reply', async (then) => {
    using seen = starttls({ reply: { then } });
    const peer = await greeted(seen);
    peer.socket.on('end', () => peer.socket.end());
    peer.send('STARTTLS\r\n');
    await seen.until('smtp-closed');
    expect(seen.seen('smtp-reply').filter((one) => one.to === 'STARTTLS')).toEqual([]);
    expect(seen.seen('smtp-closed')).toMatchObject([{ by: 'path', how: then }]);
  });

  test('220, and SMTP goes on in clear', async () => {
    using seen = starttls({ then: 'plaintext' });
    const peer = await greeted(seen);
    expect(await peer.say('STARTTLS')).toMatch(/^220/);
    expect(await peer.say('EHLO again')).toMatch(/STARTTLS$/);
    expect(seen.seen('tls-handshake')).toEqual([]);
  });

  test('a ClientHello where SMTP goes on in clear is garbage, and is recorded however the sender leaves', async () => {
    using seen = starttls({ then: 'plaintext' });
    const peer = await greeted(seen);
    await peer.say('STARTTLS');
    peer.send(await clientHello(MX));
    peer.socket.end();
    await seen.until('smtp-closed');
    expect(seen.seen('smtp-garbage')[0]!.excerpt).toContain('\\u0016\\u0003\\u0001');
  });

  test('behind a ClientHello and an alert the next command is heard, and answered by its own reply', async () => {
    using seen = starttls({ then: 'plaintext' });
    const peer = await greeted(seen);
    await peer.say('STARTTLS');
    peer.send(await clientHello(MX));
    expect(await peer.reply()).toMatch(/^500/);
    peer.send('\x15\x03\x03\x00\x02\x02\x28');
    expect(await peer.say('MAIL FROM:<in-clear@sender.test>')).toMatch(/^250/);
    expect(seen.seen('smtp-garbage')).toHaveLength(2);
    expect(commandsOf(seen)).toEqual(['EHLO', 'STARTTLS', 'MAIL']);
  });

  test('garbage without a line end is recorded when the sender leaves', async () => {
    using seen = world();
    const peer = await seen.dial();
    await peer.reply();
    peer.send('\x16\x03\x01');
    peer.socket.end();
    await seen.until('smtp-closed');
    expect(seen.seen('smtp-garbage')).toHaveLength(1);
    expect(seen.seen('smtp-command')).toEqual([]);
  });

  test.each([{}, { then: 'plaintext' }] as StarttlsPlan[])(
    'injected lines come in the segment of the 220: %j',
    async (plan) => {
      using seen = starttls({ ...plan, inject: ['250-injected', '250 SIZE 1'] });
      const peer = await greeted(seen);
      const [chunk] = await Promise.all([once(peer.socket, 'data'), peer.send('STARTTLS\r\n')]);
      expect(String(chunk)).toMatch(/^220 [^\r]*\r\n250-injected\r\n250 SIZE 1\r\n$/);
      expect(seen.seen('smtp-reply').at(-1)).toMatchObject({ to: 'STARTTLS', changed: true });
      if (plan.then === undefined) {
        const inTls = await peer.secure(trusting(seen));
        expect(await inTls.say('EHLO probe.test')).toMatch(/^250/);
      }
    },
  );

  test('a 220 in other words, late', async () => {
    using seen = starttls({ reply: { text: ['220-please', '220 do'], delayMs: 20 } });
    const peer = await greeted(seen);
    expect(await peer.say('STARTTLS')).toBe('220-please\n220 do');
    expect(seen.seen('smtp-reply').at(-1)).toMatchObject({ changed: true });
    await (await peer.secure(trusting(seen))).say('EHLO probe.test');
  });

  test.each(['close', 'reset'] as const)('220, then %s', async (how) => {
    using seen = starttls({ reply: { then: how } });
    const peer = await greeted(seen);
    peer.send('STARTTLS\r\n');
    expect(await peer.over).toBe(how === 'close' ? 'end' : 'reset');
    peer.socket.destroy();
    expect(await seen.until('smtp-closed')).toMatchObject([{ by: 'path', how }]);
  });

  test('inside TLS is refused', async () => {
    using seen = world();
    const peer = await secured(seen);
    await peer.say('EHLO probe.test');
    expect(await peer.say('STARTTLS')).toMatch(/^503/);
    expect(await deliver(peer)).toMatch(/^250/);
  });

  test('commands sent behind it in clear are recorded and never answered (RFC 3207 §4.2)', async () => {
    using seen = world();
    const peer = await greeted(seen);
    peer.send('STARTTLS\r\nMAIL FROM:<early@sender.test>\r\n\x01\x02\r\n');
    expect(await peer.reply()).toMatch(/^220/);
    const inTls = await peer.secure(trusting(seen));
    expect(await inTls.say('EHLO probe.test')).toMatch(/^250/);
    expect(await inTls.say('RCPT TO:<b@victim.test>')).toMatch(/^503/);
    expect(seen.seen('smtp-command').find((one) => one.verb === 'MAIL')).toMatchObject({
      secure: false,
      early: true,
      line: 'MAIL FROM:<early@sender.test>',
    });
    expect(seen.seen('smtp-garbage')).toHaveLength(1);
  });

  test.each<[NonNullable<TlsPlan['handshake']>, 'path' | 'sender', string]>([
    ['alert', 'sender', 'alert handshake failure'],
    ['garbage', 'sender', 'wrong version number'],
    ['close', 'path', 'disconnected before secure TLS'],
    ['reset', 'path', 'ECONNRESET'],
    ['stall', 'sender', 'ours'],
  ])('the handshake is answered with %s', async (handshake, by, problem) => {
    using seen = world({ tls: { handshake } });
    const peer = await greeted(seen);
    await peer.say('STARTTLS');
    const client = tls.connect({ socket: peer.socket, ...trusting(seen) });
    const failure = once(client, 'error');
    if (handshake === 'stall') {
      await seen.until('tls-handshake');
      expect(client.bytesRead).toBe(0);
      client.destroy(new Error('ours'));
    }
    const [error] = await failure;
    expect(`${error.code} ${error.message}`).toContain(problem);
    peer.socket.destroy();
    expect(await seen.until('smtp-closed')).toMatchObject([{ by, how: 'handshake failed' }]);
    expect(seen.seen('tls-handshake')).toMatchObject([
      { result: 'failed', authenticated: false, reason: `the lab answered with ${handshake}` },
    ]);
  });

  test.each<[TlsPlan, tls.ConnectionOptions, string]>([
    [{ maxVersion: 'TLSv1.1' }, {}, 'failed'],
    [{ maxVersion: 'TLSv1.1' }, { minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' }, 'TLSv1.1'],
    [{ minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' }, 'failed'],
    [{ certificate: 'right-rsa' }, {}, 'TLSv1.3'],
    [{ certificateWithoutSni: 'expired' }, {}, 'TLSv1.3'],
  ])('under %j, a client of %j', async (plan, client, expected) => {
    using seen = world({ tls: plan });
    const peer = await secured(seen, client).catch(() => undefined);
    const [handshake] = await seen.until('tls-handshake');
    expect(peer ? handshake!.protocol : handshake!.result).toBe(expected);
    expect(handshake!.authenticated).toBe(true);
  });

  test('a sender that turns the certificate down with an alert is told from one that hangs up after the handshake', async () => {
    using seen = world({ tls: { certificate: 'unknown-ca' } });
    const alerting = await greeted(seen);
    await alerting.say('STARTTLS');
    alerting.send(await clientHello(MX, 'TLSv1.2'));
    await once(alerting.socket, 'data');
    // RFC 8446 §6.2: fatal (2), unknown_ca (48).
    alerting.send(Buffer.from([0x15, 0x03, 0x03, 0, 2, 2, 48]));
    alerting.socket.end();
    expect(await seen.until('tls-handshake')).toMatchObject([
      { result: 'failed', reason: 'alert:unknown_ca', authenticated: false },
    ]);
    // Node's client looks at the certificate when the handshake is done, and then just goes.
    await expect(secured(seen, { maxVersion: 'TLSv1.2' })).rejects.toThrow('unable to verify');
    expect((await seen.until('tls-handshake', 2))[1]).toMatchObject({
      result: 'completed',
      authenticated: false,
    });
    await seen.until('smtp-closed', 2);
    expect(seen.seen('smtp-closed')).toMatchObject([
      { how: 'handshake failed' },
      { how: 'closed' },
    ]);
    expect(seen.seen('smtp-command').filter((one) => one.secure)).toEqual([]);
  });

  test('a handshake that stalls leaves the connection open', async () => {
    using seen = world({ tls: { handshake: 'stall' } });
    const peer = await greeted(seen);
    await peer.say('STARTTLS');
    peer.send(await clientHello(MX));
    await seen.until('tls-handshake');
    // Another dialogue is over, and this connection is still there.
    const other = await greeted(seen);
    await other.say('QUIT');
    await other.over;
    expect(peer.socket.readableEnded).toBe(false);
    peer.socket.destroy();
  });

  test('a sender that goes on in clear after a handshake that it broke off is heard', async () => {
    using seen = world({ tls: { certificate: 'unknown-ca' } });
    const peer = await greeted(seen);
    await peer.say('STARTTLS');
    peer.send(await clientHello(MX, 'TLSv1.2'));
    await once(peer.socket, 'data');
    peer.send(Buffer.from([0x15, 0x03, 0x03, 0, 2, 2, 48]));
    await seen.until('tls-handshake');
    peer.send('MAIL FROM:<a@sender.test>\r\n');
    const mail = (await seen.until('smtp-command', 3))[2];
    expect(mail).toMatchObject({ verb: 'MAIL', secure: false });
    peer.socket.destroy();
  });

  test('a sender that speaks on in clear after the 220 is recorded', async () => {
    using seen = world();
    const peer = await greeted(seen);
    await peer.say('STARTTLS');
    peer.send('MAIL FROM:<a@sender.test>\r\n');
    expect(await seen.until('tls-handshake')).toMatchObject([
      {
        result: 'failed',
        hello: false,
        reason: 'the client sent no TLS',
      },
    ]);
    const mail = (await seen.until('smtp-command', 3))[2];
    expect(mail).toMatchObject({ verb: 'MAIL', secure: false });
    peer.socket.destroy();
  });

  test.each(['end', 'reset'] as const)(
    'a sender that is gone (%s) before the 220 is out leaves nothing behind',
    async (how) => {
      using seen = starttls({ reply: { delayMs: 10 } });
      const peer = await greeted(seen);
      peer.send('STARTTLS\r\n');
      await seen.until('smtp-command', 2);
      if (how === 'end') peer.socket.destroy();
      else peer.socket.resetAndDestroy();
      await seen.idle();
      expect(seen.seen('smtp-closed')).toHaveLength(1);
      expect(seen.seen('lab-fault')).toEqual([]);
    },
  );
});

describe('a sender that does not keep to the rules', () => {
  test('pipelines: every reply comes, in order, and early tells who did not wait', async () => {
    using seen = world();
    const peer = await seen.dial();
    await peer.reply();
    peer.send(
      'EHLO probe.test\r\nMAIL FROM:<a@sender.test>\r\nRCPT TO:<b@victim.test>\r\nDATA\r\n',
    );
    const codes = [];
    for (let i = 0; i < 4; i++) codes.push((await peer.reply()).slice(0, 3));
    expect(codes).toEqual(['250', '250', '250', '354']);
    peer.send(`${CONTENT}.\r\nRSET\r\n`);
    expect([await peer.reply(), await peer.reply()].map((reply) => reply.slice(0, 3))).toEqual([
      '250',
      '250',
    ]);
    await peer.say('NOOP');
    expect(seen.seen('smtp-command').map((one) => [one.verb, one.early])).toEqual([
      ['EHLO', false],
      ['MAIL', true],
      ['RCPT', true],
      ['DATA', true],
      ['RSET', true],
      ['NOOP', false],
    ]);
    expect(seen.seen('message-accepted')).toHaveLength(1);
  });

  test('speaks before the greeting, or while a reply is held back', async () => {
    using seen = world({
      greeting: { delayMs: 30 },
      beforeTls: { replies: { NOOP: { delayMs: 30 } } },
    });
    const peer = await seen.dial();
    peer.send('EHLO probe.test\r\n');
    await peer.reply();
    await peer.reply();
    peer.send('NOOP\r\n');
    await seen.until('smtp-command', 2);
    peer.send('RSET\r\n');
    await peer.reply();
    await peer.reply();
    expect(seen.seen('smtp-command').map((one) => [one.verb, one.early])).toEqual([
      ['EHLO', true],
      ['NOOP', false],
      ['RSET', true],
    ]);
  });

  test('sends noise: every line is answered 500 and recorded, and a command after it is served', async () => {
    using seen = world();
    const peer = await seen.dial();
    await peer.reply();
    for (const noise of ['\x00\x01\x02', '12345', 'GET/ HTTP/1.1', '\xff'.repeat(100)])
      expect(await peer.say(noise)).toMatch(/^500/);
    expect(await peer.say('ehlo probe.test')).toMatch(/^250/);
    expect(seen.seen('smtp-garbage').map((one) => one.excerpt)).toEqual([
      '"\\u0000\\u0001\\u0002"',
      '"12345"',
      '"GET/ HTTP/1.1"',
      expect.stringMatching(/^"ÿ{80,}"$|^"(Ã¿){40}"$/),
    ]);
    expect(commandsOf(seen)).toEqual(['EHLO']);
  });

  test('goes on with unknown commands until the exchanger hangs up: 421, and the connection ends', async () => {
    using seen = world();
    const peer = await greeted(seen);
    const replies = [];
    for (let last = ''; !last.startsWith('421') && replies.length < 100; ) {
      last = await peer.say('XYZZY');
      replies.push(last);
    }
    expect(replies.at(-1)).toMatch(/^421/);
    peer.send('NOOP\r\n');
    expect(await peer.over).toBe('end');
    peer.socket.end();
    await seen.idle();
  });

  test.each(['end', 'reset'] as const)(
    'leaves in the middle of the content (%s): what the path has seen is recorded',
    async (how) => {
      using seen = world();
      const peer = await greeted(seen);
      for (const line of ['MAIL FROM:<a@sender.test>', 'RCPT TO:<b@victim.test>', 'DATA'])
        await peer.say(line);
      await new Promise<void>((resolve) => peer.socket.write(CONTENT, () => resolve()));
      if (how === 'end') peer.socket.end();
      else setImmediate(() => peer.socket.resetAndDestroy());
      expect(await seen.until('smtp-closed')).toMatchObject([
        { by: 'sender', how: 'in the middle of DATA' },
      ]);
      expect(seen.seen('smtp-data')).toMatchObject([{ tokens: [TOKEN], bytes: CONTENT.length }]);
      expect(seen.seen('message-accepted')).toEqual([]);
    },
  );

  test('closes its half after the last command: what it sent is served, and the connection ends', async () => {
    using seen = world();
    const peer = await greeted(seen);
    peer.socket.end(
      `MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@victim.test>\r\nDATA\r\n${CONTENT}.\r\nQUIT\r\n`,
    );
    expect(await peer.over).toBe('end');
    await seen.idle();
    expect(seen.seen('message-accepted')).toHaveLength(1);
    expect(seen.seen('smtp-closed')).toMatchObject([{ by: 'sender', how: 'after QUIT' }]);
  });

  test.each(['before the greeting', 'after it'])('goes at once, %s', async (when) => {
    using seen = world();
    const peer = await seen.dial();
    if (when === 'after it') await peer.reply();
    peer.socket.resetAndDestroy();
    expect(await seen.until('smtp-closed')).toMatchObject([{ by: 'sender', how: 'reset' }]);
    expect(seen.seen('lab-fault')).toEqual([]);
  });

  test('never closes its half: the end of its world ends the connection', async () => {
    const seen = world({ greeting: { text: '421 bye', then: 'close' } });
    const peer = await seen.dial();
    await peer.over;
    peer.send('still here\r\n');
    seen[Symbol.dispose]();
    await seen.idle();
    expect(seen.seen('smtp-closed')).toEqual([]);
    peer.socket.destroy();
  });
});

describe('between sender and exchanger', () => {
  test('content passes byte for byte, dot-stuffed, in pieces and in whatever bytes', async () => {
    const bytes = Buffer.from(
      Array.from({ length: 256 }, (_, i) => i).filter((byte) => byte !== 10 && byte !== 13),
    );
    const content = Buffer.concat([
      Buffer.from('..leading dot\r\n\n.\n\r\n..\r\n.\r.\r\n'),
      bytes,
      Buffer.from('\r\n.x\r\n'),
    ]);
    await using stub = await exchanger();
    const peer = await stub.dial();
    await peer.reply();
    for (const line of [
      'EHLO probe.test',
      'MAIL FROM:<a@sender.test>',
      'RCPT TO:<b@victim.test>',
      'DATA',
    ])
      await peer.say(line);
    for (const byte of content) peer.send(Buffer.from([byte]));
    expect(await peer.say('.')).toBe('250 ok');
    expect(stub.received()).toContain(`DATA\r\n${content.toString('latin1')}.\r\n`);
    expect(stub.events.find((one) => one.kind === 'smtp-data')).toMatchObject({
      bytes: content.length + 3,
    });
  });

  test('how long the exchanger takes is told, from the connection on', async () => {
    await using stub = await exchanger(undefined, 60);
    const peer = await stub.dial();
    await peer.reply();
    await peer.say('NOOP');
    expect(stub.answers).toHaveLength(2);
    expect(stub.answers[0]).toBeGreaterThan(50);
  });

  test('5 MB pass byte for byte', async () => {
    const content = Array.from({ length: 65_000 }, (_, i) => `${i} ${'y'.repeat(70)}\r\n`).join('');
    await using stub = await exchanger();
    const peer = await stub.dial();
    await peer.reply();
    await peer.say('DATA');
    expect(await peer.say(`${content}.`)).toBe('250 ok');
    expect(stub.received() === `DATA\r\n${content}.\r\n`).toBe(true);
  });

  test('an exchanger that dies: the sender gets 421 and the end of the connection', async () => {
    await using stub = await exchanger();
    const peer = await stub.dial();
    await peer.reply();
    stub.die();
    expect(await peer.say('NOOP')).toMatch(/^421 /);
    expect(await peer.over).toBe('end');
    peer.socket.end();
    await stub.served();
    expect(stub.events.at(-1)).toMatchObject({
      kind: 'smtp-closed',
      by: 'path',
      how: 'the exchanger has gone',
    });
  });

  test('an exchanger that dies while it takes the content', async () => {
    await using stub = await exchanger();
    const peer = await stub.dial();
    await peer.reply();
    await peer.say('DATA');
    peer.send('x\r\n'.repeat(100_000));
    stub.die();
    peer.send('.\r\n');
    expect(await peer.reply()).toMatch(/^421 /);
    expect(await peer.over).toBe('end');
    peer.socket.end();
    await stub.served();
  });

  test('an exchanger that is gone before it greets', async () => {
    await using stub = await exchanger();
    stub.close();
    const peer = await stub.dial();
    expect(await peer.reply()).toMatch(/^421 /);
    expect(await peer.over).toBe('end');
    peer.socket.destroy();
    await stub.served();
    expect(stub.events.at(-1)).toMatchObject({ by: 'path', how: 'the exchanger has gone' });
  });

  test('replies do not pile up for a sender that never reads', async () => {
    const reply = `${`250-${'z'.repeat(15_000)}\r\n`.repeat(4)}250 z\r\n`;
    const howMany = 500;
    await using stub = await exchanger(reply);
    const peer = await stub.dial();
    await peer.reply();
    peer.socket.pause();
    peer.send('NOOP\r\n'.repeat(howMany));
    await stub.until(() => stub.ours().writableNeedDrain);
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
    expect(stub.ours().writableLength).toBeLessThan(3 * reply.length);
    let bytes = 0;
    peer.socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    peer.socket.resume();
    await stub.until(() => bytes >= howMany * reply.length);
  });
});
describe('a reply that is held back', () => {
  const held = () => world({ afterTls: { replies: { EHLO: { untilSpoken: true } } } });
  test('comes once the sender has gone on, and what it said was early', async () => {
    using seen = held();
    const peer = await secured(seen);
    peer.send('EHLO probe.test\r\n');
    await seen.until('smtp-command', 3);
    // Another dialogue is over before there is a reply.
    const other = await seen.dial();
    await other.reply();
    await other.say('QUIT');
    expect(peer.unread()).toBe('');
    peer.send('MAIL FROM:<a@sender.test>\r\n');
    expect(await peer.reply()).toMatch(/^250/);
    await seen.until('smtp-command', 5);
    const own = seen.seen('smtp-command').filter(({ verb }) => verb !== 'QUIT');
    expect(own.map(({ verb, early }) => [verb, early])).toEqual([
      ['EHLO', false],
      ['STARTTLS', false],
      ['EHLO', false],
      ['MAIL', true],
    ]);
    peer.socket.destroy();
  });

  test('or never, where the sender goes', async () => {
    using seen = held();
    const peer = await secured(seen);
    peer.send('EHLO probe.test\r\n');
    await seen.until('smtp-command', 3);
    peer.socket.destroy();
    expect(await seen.until('smtp-closed')).toMatchObject([{ by: 'sender', held: 'EHLO' }]);
  });
});

describe('content that nobody has asked for', () => {
  test('is content all the same, by BDAT or behind a DATA that was refused', async () => {
    using seen = world();
    const peer = await greeted(seen);
    const lines = ['BDAT 90 LAST', `${SUBJECT_MARK}hf0123456789ab`, '', `${BODY_MARK} More.`, ''];
    peer.send(lines.join('\r\n'));
    await seen.until('smtp-data', 2);
    const [header, body] = seen.seen('smtp-data');
    expect(header).toMatchObject({ secure: false, quotes: 'header', tokens: ['hf0123456789ab'] });
    expect(body).toMatchObject({ secure: false, quotes: 'body' });
    peer.socket.destroy();
  });
});

describe('a connection that is kept for the next message', () => {
  test('is closed when the world changes', async () => {
    using seen = world();
    const peer = await greeted(seen);
    await deliver(peer);
    await seen.arrange(oneMx({ greeting: { text: '554 no' } }));
    expect(await peer.reply()).toMatch(/^421/);
    expect(await peer.over).toBe('end');
    peer.socket.destroy();
    expect(await seen.until('smtp-closed')).toMatchObject([{ how: 'closed while idle' }]);
  });

  test('in a transaction that came to nothing too', async () => {
    using seen = world();
    await seen.arrange(
      oneMx({ beforeTls: { replies: { RCPT: { text: '450 4.2.0 Greylisted' } } } }),
    );
    const peer = await greeted(seen);
    await peer.say('MAIL FROM:<a@sender.test>');
    expect(await peer.say('RCPT TO:<b@victim.test>')).toMatch(/^450/);
    await seen.idle();
    await seen.arrange(oneMx({}));
    expect(await peer.reply()).toMatch(/^421/);
    peer.socket.destroy();
  });

  test('once it is idle, where something is under way just then', async () => {
    using seen = world();
    const peer = await greeted(seen);
    await deliver(peer);
    peer.send('RSET\r\n');
    await seen.until('smtp-command', 5);
    await seen.arrange(oneMx({}));
    expect(await peer.reply()).toMatch(/^250/);
    expect(await peer.reply()).toMatch(/^421/);
    peer.socket.destroy();
    expect(await seen.until('smtp-closed')).toMatchObject([{ how: 'closed while idle' }]);
  });

  test('and not in the middle of a transaction', async () => {
    using seen = world();
    const peer = await greeted(seen);
    expect(await peer.say('MAIL FROM:<a@sender.test>')).toMatch(/^250/);
    await seen.arrange(oneMx({}));
    expect(await peer.say('RCPT TO:<b@victim.test>')).toMatch(/^250/);
    expect(await peer.say('RSET')).toMatch(/^250/);
    expect(await peer.reply()).toMatch(/^421/);
    peer.socket.destroy();
  });
});

// ---- dialogues ----

async function greeted(seen: TestWorld, verb = 'EHLO'): Promise<Peer> {
  const peer = await seen.dial();
  await peer.reply();
  await peer.say(`${verb} probe.test`);
  return peer;
}

async function secured(seen: TestWorld, options: tls.ConnectionOptions = {}): Promise<Peer> {
  const peer = await greeted(seen);
  expect(await peer.say('STARTTLS')).toMatch(/^220/);
  return peer.secure({ ...trusting(seen), ...options });
}

/** Resolves to the reply to the end of data. */
async function deliver(
  peer: Peer,
  { from = 'a@sender.test', content = CONTENT } = {},
): Promise<string> {
  expect(await peer.say(`MAIL FROM:<${from}>`)).toMatch(/^250/);
  expect(await peer.say('RCPT TO:<b@victim.test>')).toMatch(/^250/);
  expect(await peer.say('DATA')).toMatch(/^354/);
  return peer.say(`${content}.`);
}

/** A whole dialogue, as far as the other side lets it. */
async function speak(peer: Peer, greets: boolean): Promise<string[]> {
  const replies: string[] = [];
  try {
    if (greets) replies.push(await peer.reply());
    for (const line of [
      'EHLO probe.test',
      'MAIL FROM:<a@sender.test>',
      'RCPT TO:<b@victim.test>',
      'DATA',
      `${CONTENT}.`,
      'QUIT',
    ])
      replies.push(await peer.say(line));
  } catch {
    // The connection is over.
  }
  return replies;
}

function told(one: Event): string {
  if (one.kind === 'smtp-command') return one.verb;
  return one.kind === 'smtp-reply' ? `reply ${one.to} ${one.reply.slice(0, 3)}` : one.kind;
}

// ---- a path before an exchanger of ours ----

/** Every command is answered with `answer`, DATA with 354, and all that comes is kept. */
async function exchanger(answer = '250 ok\r\n', greetAfterMs = 0) {
  const events: Event[] = [];
  const answers: number[] = [];
  const upstreams = new Set<net.Socket>();
  let received = '';
  const exchange = net.createServer((socket) => {
    upstreams.add(socket);
    let inData = false;
    let rest = '';
    socket.on('error', () => {});
    setTimeout(() => socket.write('220 stub\r\n'), greetAfterMs);
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      rest += chunk.toString('latin1');
      for (;;) {
        const end = rest.indexOf(inData ? '\r\n.\r\n' : '\r\n');
        if (end < 0) return;
        const line = rest.slice(0, end);
        rest = rest.slice(end + (inData ? 5 : 2));
        inData = line === 'DATA' && !inData;
        if (inData) rest = `\r\n${rest}`;
        socket.write(inData ? '354 go\r\n' : answer);
      }
    });
  });
  await listening(exchange);
  const { port } = exchange.address() as net.AddressInfo;
  const tlsAcceptor = createTlsAcceptor(await createPki());
  let ours: net.Socket;
  let served = Promise.resolve();
  const path = net.createServer((socket) => {
    ours = socket;
    served = servePath(socket, {
      mx: MX,
      address: '127.0.0.1',
      nth: 1,
      connection: 'c1',
      plan: {},
      others: {},
      isUnderDane: false,
      dial: () => net.connect(port, '127.0.0.1').on('error', () => {}),
      tls: tlsAcceptor,
      onOtherMail: async () => {},
      onIdle: () => () => {},
      onRest: () => {},
      answered: (ms) => answers.push(ms),
      record: (event) => events.push(event),
    });
  });
  await listening(path);
  return {
    events,
    answers,
    received: () => received,
    ours: () => ours,
    served: () => served,
    dial: () => dial(path.address() as net.AddressInfo),
    close: () => exchange.close(),
    die() {
      for (const socket of upstreams) socket.resetAndDestroy();
    },
    async until(holds: () => boolean) {
      while (!holds()) await new Promise(setImmediate);
    },
    async [Symbol.asyncDispose]() {
      ours.destroy();
      for (const socket of upstreams) socket.destroy();
      exchange.close();
      path.close();
      await served;
    },
  };
}
