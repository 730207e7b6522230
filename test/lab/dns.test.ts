import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { Packet } from 'dns2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, startLab } from '../../harness/lab/lab.ts';
import type { DnsPacket, DnsRecord, DnsRule, LabPlan } from '../../harness/model/plan.ts';
import { dial, oneMx, openWorld, resolverOf, type TestWorld, zone } from './world.ts';

const { TYPE, CLASS, RCODE } = Packet;
const TLSA = 52;

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const STS = '_mta-sts.victim.test';
const record: DnsRecord = { name: STS, type: 'TXT', text: 'v=STSv1; id=1;' };
const world = (records: readonly DnsRecord[], ...rules: DnsRule[]) =>
  openWorld(lab, zone(records, rules));
const ruled = (rule: Partial<DnsRule>) => world([record], { name: STS, type: 'TXT', ...rule });
const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    (error: NodeJS.ErrnoException) => error.code,
  );
const answersOf = (seen: TestWorld) =>
  seen.seen('dns-query').map((query) => `${query.transport} ${query.answer}`);

describe('an ordinary resolver', () => {
  test('gets every type of record', async () => {
    using seen = openWorld(lab, {
      ...oneMx(),
      dns: {
        records: [
          { name: 'victim.test', type: 'MX', preference: 20, exchange: 'mx2.victim.test.' },
          { name: 'victim.test', type: 'MX', preference: 10, exchange: 'mx1.victim.test' },
          { name: 'mx1.victim.test', type: 'A', host: 'mx1.victim.test' },
          { name: 'elsewhere.victim.test', type: 'A', host: '127.9.9.9' },
          { name: 'www.victim.test', type: 'CNAME', target: 'elsewhere.victim.test' },
          record,
        ],
        rules: [],
      },
    });
    const resolver = resolverOf(lab);
    const mx = await resolver.resolveMx(seen.name('victim.test'));
    expect(mx.map(({ priority, exchange }) => `${priority} ${exchange}`).sort()).toEqual([
      `10 ${seen.name('mx1.victim.test')}`,
      `20 ${seen.name('mx2.victim.test')}`,
    ]);
    expect(await resolver.resolve4(seen.name('elsewhere.victim.test'))).toEqual(['127.9.9.9']);
    expect(await resolver.resolveCname(seen.name('www.victim.test'))).toEqual([
      seen.name('elsewhere.victim.test'),
    ]);
    expect(await resolver.resolveTxt(seen.name(STS))).toEqual([['v=STSv1; id=1;']]);
    const [address] = await resolver.resolve4(seen.name('mx1.victim.test'));
    expect(lab.access.route(address!, 25)).toMatchObject({ address: '127.0.0.1' });
    expect(await errorOf(resolver.resolve6(seen.name('mx1.victim.test')))).toBe('ENODATA');
  });

  test('gets IPv6 addresses, of hosts that are called there', async () => {
    const name = 'mx1.victim.test';
    using seen = openWorld(lab, {
      ...oneMx(),
      dns: {
        records: [
          { name, type: 'A', host: name },
          { name, type: 'AAAA', host: name },
          { name: 'victim.test', type: 'AAAA', host: '100::9' },
        ],
        rules: [],
      },
    });
    const resolver = resolverOf(lab);
    expect(await resolver.resolve6(seen.name('victim.test'))).toEqual(['100::9']);
    const [address] = await resolver.resolve6(seen.name(name));
    const endpoint = lab.access.route(address!, 25);
    expect(endpoint).toMatchObject({ address: '::1' });
    expect(lab.access.route(address!.replace('::', ':0:0:0:0:0:'), 25)).toEqual(endpoint);
    expect(await (await dial(endpoint!)).reply()).toMatch(/^220 /);
    expect(await (await seen.dial()).reply()).toMatch(/^220 /);
    expect(seen.seen('smtp-connection').map((one) => one.nth)).toEqual([1, 2]);
    await seen.arrange({ ...oneMx({ reach: 'refused' }) });
    expect(lab.access.route(address!, 25)).toMatchObject({ address: '127.0.0.1', port: 1 });
  });

  test.each<[string, Partial<DnsRule>, string]>([
    ['honest', {}, 'answered'],
    ['nxdomain', { answer: 'nxdomain' }, 'ENOTFOUND'],
    ['nodata', { answer: 'nodata' }, 'ENODATA'],
    ['servfail', { answer: 'servfail' }, 'ESERVFAIL'],
    ['refused', { answer: 'refused' }, 'EREFUSED'],
    ['drop', { answer: 'drop' }, 'ETIMEOUT'],
    ['truncate, which leads to TCP', { answer: 'truncate' }, 'answered'],
    ['referral', { answer: 'referral' }, 'ENODATA'],
    ['a packet of another id', { packet: 'wrong-id' }, 'ETIMEOUT'],
    [
      'a packet of another id, and then the answer',
      { packet: 'wrong-id', followed: true },
      'answered',
    ],
    ['an extended error beside the answer', { ede: { code: 6 } }, 'answered'],
    ['an extended error', { answer: 'servfail', ede: { code: 6, text: 'bogus' } }, 'ESERVFAIL'],
    ['late', { delayMs: 30 }, 'answered'],
    ['too late', { delayMs: 60_000 }, 'ETIMEOUT'],
    ['for another type', { type: 'A', answer: 'servfail' }, 'answered'],
    ['for any type', { type: '*', answer: 'servfail' }, 'ESERVFAIL'],
    ['for another name', { name: 'victim.test', answer: 'servfail' }, 'answered'],
    [
      'for the name in other letters',
      { name: '_MTA-STS.Victim.test', answer: 'servfail' },
      'ESERVFAIL',
    ],
    ['for the second query only', { nth: [2], answer: 'servfail' }, 'answered'],
    ['for the first and third query', { nth: [1, 3], answer: 'servfail' }, 'ESERVFAIL'],
  ])('a rule: %s', async (_what, rule, expected) => {
    using seen = ruled(rule);
    expect(await errorOf(resolverOf(lab).resolveTxt(seen.name(STS)))).toBe(expected);
  });

  test('the first rule that matches wins', async () => {
    using seen = world(
      [record],
      { name: STS, type: '*', answer: 'refused' },
      { name: STS, type: 'TXT', answer: 'servfail' },
    );
    expect(await errorOf(resolverOf(lab).resolveTxt(seen.name(STS)))).toBe('EREFUSED');
  });

  test('queries are counted by name and type, and from 1 again in the next step', async () => {
    const plan = zone([record], [{ name: STS, type: 'TXT', nth: [2], answer: 'nxdomain' }]);
    using seen = openWorld(lab, plan);
    const twice = async () => [
      await errorOf(resolverOf(lab).resolveTxt(seen.name(STS))),
      await errorOf(resolverOf(lab).resolveTxt(seen.name(STS).toUpperCase())),
    ];
    expect(await errorOf(resolverOf(lab).resolve4(seen.name(STS)))).toBe('ENODATA');
    expect(await twice()).toEqual(['answered', 'ENOTFOUND']);
    await seen.arrange(plan);
    expect(await twice()).toEqual(['answered', 'ENOTFOUND']);
  });

  test('spoofed records stand in for the zone, in its types and out of them', async () => {
    using seen = ruled({
      type: '*',
      records: [{ name: STS, type: 'TXT', text: 'v=STSv1; id=evil;' }],
    });
    expect(await resolverOf(lab).resolveTxt(seen.name(STS))).toEqual([['v=STSv1; id=evil;']]);
    expect(await errorOf(resolverOf(lab).resolve4(seen.name(STS)))).toBe('ENODATA');
  });

  test('many questions at once are all answered, each its own', async () => {
    const hosts = Array.from({ length: 50 }, (_, i) => `h${i}.victim.test`);
    using seen = world(hosts.map((name, i) => ({ name, type: 'A', host: `127.8.0.${i}` })));
    const resolver = resolverOf(lab);
    expect(await Promise.all(hosts.map((host) => resolver.resolve4(seen.name(host))))).toEqual(
      hosts.map((_, i) => [`127.8.0.${i}`]),
    );
  });
});

describe('names', () => {
  test.each<[string, string, string]>([
    ['a name without records above one that has some is no data', 'victim.test', 'ENODATA'],
    ['a name that nothing is at or under does not exist', 'nobody.test', 'ENOTFOUND'],
    ['nor does one that only ends in the same letters', 'xvictim.test', 'ENOTFOUND'],
    ['nor one below a name that exists', 'below._mta-sts.victim.test', 'ENOTFOUND'],
    ['letters do not matter', '_MTA-sts.VICTIM.test', 'answered'],
  ])('%s', async (_what, name, expected) => {
    using seen = world([record]);
    expect(await errorOf(resolverOf(lab).resolveTxt(seen.name(name)))).toBe(expected);
  });

  test('a name that is not the lab’s does not exist, and is nobody’s evidence', async () => {
    using seen = world([record]);
    for (const name of [
      'example.com',
      'victim.test',
      'victim.nobody.test',
      'constructor.test',
      '__proto__.test',
    ]) {
      expect(await errorOf(resolverOf(lab).resolveTxt(name))).toBe('ENOTFOUND');
    }
    expect(seen.observations).toEqual([]);
  });

  test('after its world, a name is unknown', async () => {
    const seen = world([record]);
    expect(await errorOf(resolverOf(lab).resolveTxt(seen.name(STS)))).toBe('answered');
    seen[Symbol.dispose]();
    expect(await errorOf(resolverOf(lab).resolveTxt(seen.name(STS)))).toBe('ENOTFOUND');
  });
});

describe('CNAMEs', () => {
  const chain: DnsRecord[] = [
    { name: 'a.victim.test', type: 'CNAME', target: 'B.victim.test.' },
    { name: 'b.victim.test', type: 'CNAME', target: 'c.victim.test' },
    { name: 'c.victim.test', type: 'TXT', text: 'here' },
    { name: 'loop.victim.test', type: 'CNAME', target: 'loop.victim.test' },
    { name: 'dangling.victim.test', type: 'CNAME', target: 'nowhere.victim.test' },
  ];
  const typesOf = (reply: Packet) => reply.answers.map((answer) => Packet.typeName(answer.type!));

  test('are chased, all of the chain in the answer', async () => {
    using seen = world(chain);
    expect(typesOf(await ask(seen.name('a.victim.test'), TYPE.TXT))).toEqual([
      'CNAME',
      'CNAME',
      'TXT',
    ]);
    expect(await resolverOf(lab).resolveTxt(seen.name('a.victim.test'))).toEqual([['here']]);
  });

  test('are not chased under cname-only', async () => {
    using seen = world(chain, { name: 'a.victim.test', type: 'TXT', answer: 'cname-only' });
    expect(typesOf(await ask(seen.name('a.victim.test'), TYPE.TXT))).toEqual(['CNAME']);
  });

  test('a wildcard answers for what is not there, below the next name above it that is', async () => {
    using seen = world([
      { name: '*.victim.test', type: 'TXT', text: 'wild' },
      { name: 'there.victim.test', type: 'A', host: 'mx1.victim.test' },
    ]);
    const told = async (name: string, type: number = TYPE.TXT) => {
      const { header, answers } = await ask(seen.name(name), type);
      return [header.rcode, ...answers.map((one) => one.name)];
    };
    const found = [RCODE.NOERROR, seen.name('any.where.victim.test')];
    expect(await told('any.where.victim.test')).toEqual(found);
    expect(await told('any.victim.test', TYPE.MX)).toEqual([RCODE.NOERROR]);
    expect(await told('there.victim.test')).toEqual([RCODE.NOERROR]);
    expect(await told('below.there.victim.test')).toEqual([RCODE.NXDOMAIN]);
  });

  test('that lead nowhere do not exist (RFC 6604 §3), and a loop ends', async () => {
    using seen = world(chain);
    const dangling = await ask(seen.name('dangling.victim.test'), TYPE.TXT);
    expect([dangling.header.rcode, ...typesOf(dangling)]).toEqual([RCODE.NXDOMAIN, 'CNAME']);
    const loop = await ask(seen.name('loop.victim.test'), TYPE.TXT);
    expect(loop.answers.length).toBeLessThan(20);
  });
});

describe('on the wire', () => {
  test.each(['udp', 'tcp'] as const)(
    '%s: id, question in its letters, bits, TTL, class',
    async (transport) => {
      using seen = world([{ ...record, ttl: 300 }]);
      const name = seen.name('_mTa-StS.vIcTiM.test');
      const reply = await ask(name, TYPE.TXT, { transport, id: 4711 });
      expect(reply.header).toMatchObject({
        id: 4711,
        qr: 1,
        aa: 1,
        ra: 1,
        rd: 1,
        tc: 0,
        ad: 0,
        rcode: RCODE.NOERROR,
      });
      expect(reply.questions).toMatchObject([{ name, type: TYPE.TXT, class: CLASS.IN }]);
      expect(reply.answers).toMatchObject([
        { name, type: TYPE.TXT, class: CLASS.IN, ttl: 300, data: ['v=STSv1; id=1;'] },
      ]);
      expect(reply.additionals).toEqual([]);
    },
  );

  test('a record without TTL is not to be cached', async () => {
    using seen = world([record]);
    expect((await ask(seen.name(STS), TYPE.TXT)).answers[0]!.ttl).toBe(0);
  });

  test.each(['nxdomain', 'nodata'] as const)(
    "that there is nothing is nobody's to keep (RFC 2308 §2): %s",
    async (answer) => {
      using seen = ruled({ answer });
      const { authorities } = await ask(seen.name(STS), TYPE.TXT);
      expect(authorities.map(({ type, ttl }) => [Packet.typeName(type!), ttl])).toEqual([
        ['SOA', 0],
        ['NS', 0],
      ]);
    },
  );

  test.each<[Partial<DnsRule>, number]>([
    [{ ad: true }, 1],
    [{ ad: true, answer: 'nxdomain' }, 1],
    [{ ad: false }, 0],
  ])('the AD bit: %j', async (rule, ad) => {
    using seen = ruled(rule);
    const { header } = await ask(seen.name(STS), TYPE.TXT, { edns: 1232, doFlag: true });
    expect(header).toMatchObject({ ad });
  });

  test.each([
    'honest',
    'nxdomain',
    'nodata',
    'servfail',
    'refused',
    'truncate',
    'cname-only',
    'referral',
  ] as const)('OPT is answered by OPT: %s', async (answer) => {
    using seen = ruled({ answer });
    const { additionals } = await ask(seen.name(STS), TYPE.TXT, { edns: 1232 });
    expect(additionals.map((one) => one.type)).toEqual([TYPE.EDNS]);
  });

  test.each(['honest', 'servfail', 'refused', 'nxdomain'] as const)(
    'an extended error goes with it, and DO comes back: %s',
    async (answer) => {
      using seen = ruled({ answer, ede: { code: 6, text: 'bogus' } });
      const asked = { edns: 1232, doFlag: true };
      const { additionals } = await ask(seen.name(STS), TYPE.TXT, asked);
      expect(additionals).toMatchObject([{ doFlag: true, rdata: [{ ednsCode: 15, infoCode: 6 }] }]);
    },
  );

  test('a string is cut at 255 bytes, between characters or not; a list keeps its strings', async () => {
    const long = `v=STSv1; ${'ü'.repeat(300)}`;
    using seen = world([
      { name: 'long.victim.test', type: 'TXT', text: long },
      { name: 'list.victim.test', type: 'TXT', text: ['v=ST', '', 'Sv1'] },
      { name: 'both.victim.test', type: 'TXT', text: ['x'.repeat(300), 'y'] },
      { name: 'empty.victim.test', type: 'TXT', text: '' },
    ]);
    const strings = async (name: string) =>
      stringsOf(await askRaw(seen.name(name), TYPE.TXT, { transport: 'tcp' }));
    const cut = await strings('long.victim.test');
    expect(cut.map((part) => part.length)).toEqual([255, 255, 99]);
    expect(Buffer.concat(cut).toString('utf8')).toBe(long);
    expect((await strings('list.victim.test')).map(String)).toEqual(['v=ST', '', 'Sv1']);
    expect((await strings('both.victim.test')).map((part) => part.length)).toEqual([255, 45, 1]);
    expect((await strings('empty.victim.test')).map(String)).toEqual(['']);
  });

  test('TLSA data goes out byte for byte (RFC 6698 §2.1)', async () => {
    const name = '_25._tcp.mx1.victim.test';
    using seen = world([
      { name, type: 'TLSA', usage: 3, selector: 1, matching: 1, data: '00ff10ab' },
    ]);
    const reply = await ask(seen.name(name), TLSA);
    expect(reply.answers).toMatchObject([
      { type: TLSA, data: Buffer.from('03010100ff10ab', 'hex') },
    ]);
    expect(await ask(seen.name(name), TYPE.TXT)).toMatchObject({
      header: { rcode: RCODE.NOERROR },
      answers: [],
    });
    expect(seen.seen('dns-query')[0]).toMatchObject({ type: 'TLSA', answer: 'NOERROR 1' });
  });

  test('what is too long for UDP goes out truncated, and whole over TCP', async () => {
    const text = 'x'.repeat(2000);
    using seen = world([{ name: STS, type: 'TXT', text }]);
    for (const edns of [undefined, 100, 1232]) {
      const reply = await ask(seen.name(STS), TYPE.TXT, { edns });
      expect([reply.header.tc, reply.answers.length, reply.additionals.length]).toEqual([
        1,
        0,
        edns === undefined ? 0 : 1,
      ]);
    }
    expect((await ask(seen.name(STS), TYPE.TXT, { edns: 4096 })).answers).toHaveLength(1);
    expect(await resolverOf(lab).resolveTxt(seen.name(STS))).toEqual([text.match(/.{1,255}/g)]);
    expect(answersOf(seen)).toEqual([
      'udp truncated',
      'udp truncated',
      'udp truncated',
      'udp NOERROR 1',
      'udp truncated',
      'tcp NOERROR 1',
    ]);
  });

  test('a truncate rule leaves the answer out over UDP alone', async () => {
    using seen = ruled({ answer: 'truncate' });
    expect(await ask(seen.name(STS), TYPE.TXT)).toMatchObject({ header: { tc: 1 }, answers: [] });
    expect(await ask(seen.name(STS), TYPE.TXT, { transport: 'tcp' })).toMatchObject({
      header: { tc: 0 },
      answers: [{ data: ['v=STSv1; id=1;'] }],
    });
  });

  test('several queries on one TCP connection, the last cut off by a half-close, are answered', async () => {
    using seen = world([record]);
    const queries = [1, 2, 3].map((id) => framed(query(seen.name(STS), TYPE.TXT, { id })));
    const socket = net.connect(lab.access.dns.port, '127.0.0.1');
    socket.end(Buffer.concat(queries));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(socket, 'end');
    expect(
      unframed(Buffer.concat(chunks))
        .map((message) => Packet.parse(message).header.id)
        .sort(),
    ).toEqual([1, 2, 3]);
  });

  test('a message with two questions, no question or another opcode gets an error; a response gets nothing', async () => {
    using seen = world([record]);
    const name = seen.name(STS);
    const one = query(name, TYPE.TXT);
    const two = Packet.parse(one);
    two.questions.push(...Packet.parse(query(name, TYPE.A)).questions);
    const none = Packet.parse(one);
    none.questions = [];
    const notify = Packet.parse(one);
    notify.header.opcode = 4;
    const response = Packet.parse(one);
    response.header.qr = 1;
    const codes = [];
    for (const packet of [two, none, notify])
      codes.push(Packet.parse(await exchange(packet.toBuffer(), 'udp')).header.rcode);
    expect(codes).toEqual([RCODE.FORMERR, RCODE.FORMERR, RCODE.NOTIMP]);
    // Over UDP answers may overtake each other, but not here: both are made without waiting.
    const replies = await exchangeAll([response.toBuffer(), one]);
    expect(replies.map((reply) => reply.readUInt16BE(0))).toEqual([one.readUInt16BE(0)]);
    expect(seen.seen('dns-query')).toHaveLength(1);
  });

  test('an answer that no message can hold is the lab’s fault, and is said to be', async () => {
    using seen = world([
      { name: 'huge.victim.test', type: 'TXT', text: 'x'.repeat(70_000) },
      { name: 'bad.victim.test', type: 'MX', preference: 1, exchange: `${'x'.repeat(64)}.test` },
    ]);
    for (const name of ['huge.victim.test', 'bad.victim.test']) {
      expect(
        (
          await ask(seen.name(name), name.startsWith('huge') ? TYPE.TXT : TYPE.MX, {
            transport: 'tcp',
          })
        ).header.rcode,
      ).toBe(RCODE.SERVFAIL);
    }
    expect(seen.seen('lab-fault')).toHaveLength(2);
    expect(seen.seen('lab-fault')[0]!.detail).toContain('huge.victim');
  });

  test('a host whose certificate cannot be made is the lab’s fault as well', async () => {
    using seen = openWorld(lab, oneMx({ tls: { certificate: 'no-such-profile' as never } }));
    expect(await errorOf(resolverOf(lab).resolve4(seen.name('mx1.victim.test')))).toBe('ESERVFAIL');
  });
});

describe('odd packets', () => {
  /** The first two datagrams in answer to a question for the record. */
  const two = async (seen: TestWorld) => {
    const socket = dgram.createSocket('udp4');
    const replies: Buffer[] = [];
    socket.send(query(seen.name(STS), TYPE.TXT, { id: 4711 }), lab.access.dns.port, '127.0.0.1');
    while (replies.length < 2) replies.push((await once(socket, 'message'))[0]);
    socket.close();
    return replies as [Buffer, Buffer];
  };

  test.each<[DnsPacket, (odd: Buffer, right: Buffer) => void]>([
    [
      'wrong-id',
      (odd, right) => {
        expect(odd.readUInt16BE()).not.toBe(4711);
        expect(odd.subarray(2)).toEqual(right.subarray(2));
      },
    ],
    ['wrong-question', (odd) => expect(Packet.parse(odd).questions[0]!.name).toMatch(/^x_mta-sts/)],
    ['query', (odd) => expect(Packet.parse(odd).header).toMatchObject({ id: 4711, qr: 0 })],
    ['cut-short', (odd, right) => expect(odd).toEqual(right.subarray(0, -5))],
    [
      'huge',
      (odd, right) => {
        expect(odd.subarray(0, right.length)).toEqual(right);
        expect(odd).toHaveLength(60_000);
      },
    ],
    [
      'compression-loop',
      (odd) => {
        const answer = odd.length - 16;
        expect(odd.readUInt16BE(6)).toBe(1);
        expect(odd.readUInt16BE(answer)).toBe(0xc000 | answer);
      },
    ],
    ['garbage', (odd) => expect([odd.readUInt16BE(), odd[50]]).toEqual([4711, 0xff])],
  ])('%s, and then the answer', async (packet, check) => {
    using seen = ruled({ packet, followed: true });
    const [odd, right] = await two(seen);
    check(odd, right);
    expect(Packet.parse(right).answers).toHaveLength(1);
    expect(answersOf(seen)).toEqual([`udp ${packet}, then NOERROR 1`]);
  });

  test('are of what is forged, and what follows is true', async () => {
    const forged: DnsRecord = { ...record, text: 'v=STSv1; id=forged;' } as DnsRecord;
    using seen = ruled({ packet: 'wrong-id', records: [forged], followed: true });
    const texts = (await two(seen)).map((one) => String(stringsOf(one)[0]));
    expect(texts).toEqual(['v=STSv1; id=forged;', 'v=STSv1; id=1;']);
  });

  test('over TCP too', async () => {
    using seen = ruled({ packet: 'wrong-id' });
    const reply = await askRaw(seen.name(STS), TYPE.TXT, { transport: 'tcp', id: 4711 });
    expect(reply.readUInt16BE()).not.toBe(4711);
  });

  test('not over TCP where the answer follows: no stranger writes into that connection', async () => {
    using seen = ruled({ packet: 'wrong-id', answer: 'nxdomain', followed: true });
    const reply = await askRaw(seen.name(STS), TYPE.TXT, { transport: 'tcp', id: 4711 });
    expect(reply.readUInt16BE()).toBe(4711);
    expect(Packet.parse(reply).answers).toHaveLength(1);
    expect(answersOf(seen)).toEqual(['tcp NOERROR 1']);
  });
});

describe('beside the answer', () => {
  const other: DnsRecord = { name: 'mx.attacker.test', type: 'A', host: '127.6.6.6' };

  test('records of other names', async () => {
    using seen = ruled({ extra: [other], additional: [other] });
    const { answers, additionals } = await ask(seen.name(STS), TYPE.TXT);
    const name = seen.name('mx.attacker.test');
    expect(answers.map((one) => one.name)).toEqual([seen.name(STS), name]);
    expect(additionals).toMatchObject([{ name, address: '127.6.6.6' }]);
  });

  test('an extended error (RFC 8914), and none for who speaks no EDNS', async () => {
    using seen = ruled({ ede: { code: 9, text: 'no key' } });
    const { additionals } = await ask(seen.name(STS), TYPE.TXT, { edns: 1232 });
    expect(additionals).toMatchObject([
      { rdata: [{ ednsCode: 15, infoCode: 9, extraText: 'no key' }] },
    ]);
    expect((await ask(seen.name(STS), TYPE.TXT)).additionals).toEqual([]);
  });

  test('a referral names a server, has no answer and no SOA', async () => {
    using seen = ruled({ answer: 'referral' });
    const { header, answers, authorities } = await ask(seen.name(STS), TYPE.TXT);
    expect([header.aa, header.rcode, answers.length]).toEqual([0, RCODE.NOERROR, 0]);
    expect(authorities.map((one) => one.type)).toEqual([TYPE.NS]);
  });
});

test('what was asked and answered is recorded in order, before the answer leaves', async () => {
  const rules: DnsRule[] = [
    { name: STS, type: 'TXT', nth: [2], answer: 'servfail' },
    { name: STS, type: 'TXT', nth: [3], answer: 'refused' },
    { name: STS, type: 'TXT', nth: [4], answer: 'drop' },
    { name: STS, type: 'TXT', nth: [5], answer: 'truncate' },
  ];
  const plan: LabPlan = zone([record, { name: STS, type: 'TXT', text: 'another' }], rules);
  using seen = openWorld(lab, plan);
  const name = seen.name(STS);
  for (const type of [TYPE.TXT, TYPE.TXT, TYPE.TXT]) await ask(name, type);
  await exchangeAll([query(name, TYPE.TXT), query(name, TYPE.A)]);
  await ask(name, TYPE.TXT);
  await ask(name, TYPE.TXT, { transport: 'tcp' });
  await ask(seen.name('nobody.test'), TYPE.ANY);
  expect(seen.seen('dns-query').map((one) => [one.type, one.transport, one.answer])).toEqual([
    ['TXT', 'udp', 'NOERROR 2'],
    ['TXT', 'udp', 'SERVFAIL'],
    ['TXT', 'udp', 'REFUSED'],
    ['TXT', 'udp', 'dropped'],
    ['A', 'udp', 'NOERROR 0'],
    ['TXT', 'udp', 'truncated'],
    ['TXT', 'tcp', 'NOERROR 2'],
    ['ANY', 'udp', 'NXDOMAIN'],
  ]);
  expect(seen.seen('dns-query')[0]!.name).toBe(name);
});

// ---- a client that sees every bit ----

interface How {
  readonly transport?: 'udp' | 'tcp';
  readonly id?: number;
  /** 1: it wants to know whether the answer is secure (RFC 6840 §5.7). */
  readonly ad?: number;
  /** The UDP payload size that an OPT offers. */
  readonly edns?: number;
  readonly doFlag?: boolean;
}

async function ask(name: string, type: number, how: How = {}): Promise<Packet> {
  const reply = Packet.parse(await askRaw(name, type, how));
  expect(reply.errors).toEqual([]);
  return reply;
}

const askRaw = (name: string, type: number, how: How = {}) =>
  exchange(query(name, type, how), how.transport ?? 'udp');

function query(name: string, type: number, { id = 1, ad = 0, edns, doFlag }: How = {}): Buffer {
  const packet = new Packet();
  packet.header = new Packet.Header({ id, ad, rd: 1 } as never);
  packet.questions.push(new Packet.Question(name, type as never, CLASS.IN));
  if (edns !== undefined)
    packet.additionals.push((Packet.Resource as any).EDNS([], { udpPayloadSize: edns, doFlag }));
  return packet.toBuffer();
}

async function exchange(message: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer> {
  if (transport === 'udp') return (await exchangeAll([message]))[0]!;
  const socket = net.connect(lab.access.dns.port, '127.0.0.1');
  socket.write(framed(message));
  let received = Buffer.alloc(0);
  while (unframed(received).length === 0) {
    const [chunk] = await once(socket, 'data');
    received = Buffer.concat([received, chunk]);
  }
  socket.destroy();
  return unframed(received)[0]!;
}

/**
 * Sends all messages over UDP from one port; resolves to the answers that came, once the last
 * message has its own.
 */
async function exchangeAll(messages: readonly Buffer[]): Promise<Buffer[]> {
  const socket = dgram.createSocket('udp4');
  const replies: Buffer[] = [];
  const last = new Promise<void>((resolve) =>
    socket.on(
      'message',
      (reply) => replies.push(reply) && sameQuestion(reply, messages.at(-1)!) && resolve(),
    ),
  );
  for (const message of messages) socket.send(message, lab.access.dns.port, '127.0.0.1');
  await last;
  socket.close();
  return replies;
}

/** Up to the counts of the other sections, a response repeats id and question. */
function sameQuestion(reply: Buffer, asked: Buffer): boolean {
  const [one, other] = [Packet.parse(reply), Packet.parse(asked)];
  return one.header.id === other.header.id && one.questions[0]?.type === other.questions[0]?.type;
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** The whole messages in a TCP stream (RFC 1035 §4.2.2). */
function unframed(stream: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (
    let at = 0;
    at + 2 <= stream.length && at + 2 + stream.readUInt16BE(at) <= stream.length;
    at += 2 + stream.readUInt16BE(at)
  ) {
    messages.push(stream.subarray(at + 2, at + 2 + stream.readUInt16BE(at)));
  }
  return messages;
}

/** The character-strings of the only TXT record of a message, read without dns2. */
function stringsOf(message: Buffer): Buffer[] {
  const question = message.indexOf(0, 12) + 5;
  const rdata = question + 12;
  const end = rdata + message.readUInt16BE(rdata - 2);
  expect(end).toBe(message.length);
  const strings: Buffer[] = [];
  for (let at = rdata; at < end; at += 1 + message[at]!)
    strings.push(message.subarray(at + 1, at + 1 + message[at]!));
  return strings;
}
