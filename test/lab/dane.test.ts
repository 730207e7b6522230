/**
 * RFC 7672 §2.1, RFC 6698 §2.1: what the name server says of security, and TLSA records that fit the
 * certificate that is shown. Read here by other means than the lab's own.
 */

import { createHash, type X509Certificate } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';
import type tls from 'node:tls';
import { Packet } from 'dns2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, startLab } from '../../harness/lab/lab.ts';
import { baselinePlan, DEFAULT_DOMAIN, DEFAULT_POLICY } from '../../harness/model/baseline.ts';
import type { DnsRule, LabPlan } from '../../harness/model/plan.ts';
import type { DomainSpec } from '../../harness/model/scenario.ts';
import { isDaneAuthenticated, readTlsa } from '../../harness/protocol/dane.ts';
import { openWorld, type TestWorld } from './world.ts';

const MX1 = 'mx1.victim.test';
const OWNER = `_25._tcp.${MX1}`;
const TLSA = 52;
const { TYPE } = Packet;

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const planOf = (domain: Partial<DomainSpec>, ...rules: DnsRule[]): LabPlan => {
  const plan = baselinePlan({ ...DEFAULT_DOMAIN, dane: true, ...domain }, DEFAULT_POLICY);
  return { ...plan, dns: { ...plan.dns, rules } };
};

/** Asked with DO set, with AD set, or as an old client asks. */
async function ask(name: string, type: number, how: 'do' | 'ad' | 'old' = 'do') {
  const query = new Packet();
  Object.assign(query.header, { id: 7, rd: 1, ad: how === 'ad' ? 1 : 0 });
  query.questions.push({ name, type, class: 1 } as never);
  if (how === 'do')
    query.additionals.push(
      (Packet.Resource as any).EDNS([], { udpPayloadSize: 1232, doFlag: true }),
    );
  const socket = dgram.createSocket('udp4');
  socket.send(query.toBuffer(), lab.access.dns.port, lab.access.dns.address);
  const [bytes] = await once(socket, 'message');
  socket.close();
  const { header, answers } = Packet.parse(bytes);
  return { ad: (header as { ad?: number }).ad === 1, answers };
}

/** What the MX host shows. */
async function certificateOf(world: TestWorld): Promise<X509Certificate> {
  const peer = await world.dial();
  await peer.reply();
  await peer.say('EHLO client.test');
  await peer.say('STARTTLS');
  const { socket } = await peer.secure({
    servername: world.name(MX1),
    rejectUnauthorized: false,
  });
  return (socket as tls.TLSSocket).getPeerX509Certificate()!;
}

describe('the AD bit', () => {
  test('is for who asks about DNSSEC, in signed zones', async () => {
    using world = openWorld(lab, planOf({}));
    expect((await ask(world.name(MX1), TYPE.A)).ad).toBe(true);
    expect((await ask(world.name(MX1), TYPE.A, 'ad')).ad).toBe(true);
    expect((await ask(world.name(MX1), TYPE.A, 'old')).ad).toBe(false);
    expect((await ask(world.name('mx.attacker.test'), TYPE.A)).ad).toBe(false);
    expect(world.seen('dns-query').map(({ ad }) => ad)).toEqual([true, true, undefined, false]);
  });

  test.each<[string, Partial<DnsRule>, boolean]>([
    ['a forged record', { records: [{ name: MX1, type: 'A', host: '127.9.9.9' }] }, false],
    ['a denial', { answer: 'nodata' }, false],
    ['an answer that is late', { delayMs: 1 }, true],
    ['what the plan calls secure', { answer: 'nodata', ad: true }, true],
    ['what the plan calls insecure', { ad: false }, false],
  ])('%s', async (_, rule, expected) => {
    using world = openWorld(lab, planOf({}, { name: MX1, type: 'A', ...rule }));
    expect((await ask(world.name(MX1), TYPE.A)).ad).toBe(expected);
  });

  test('an alias is as secure as the names on its way', async () => {
    const records: DomainSpec['records'] = [
      { name: 'a.victim.test', type: 'CNAME', target: MX1 },
      { name: 'b.victim.test', type: 'CNAME', target: 'mx.attacker.test' },
    ];
    using world = openWorld(lab, planOf({ records }));
    expect((await ask(world.name('a.victim.test'), TYPE.A)).ad).toBe(true);
    expect((await ask(world.name('b.victim.test'), TYPE.A)).ad).toBe(false);
    expect(world.seen('dns-query').map(({ target }) => target)).toEqual([
      world.name(MX1),
      world.name('mx.attacker.test'),
    ]);
  });
});

describe('TLSA records', () => {
  test.each([
    [3, 0, 1],
    [3, 0, 2],
    [3, 0, 0],
    [3, 1, 0],
    [3, 1, 1],
    [3, 1, 2],
  ])('%i %i %i fits the certificate that is shown', async (usage, selector, matching) => {
    using world = openWorld(lab, planOf({ dane: [{ usage, selector, matching }] }));
    const { answers } = await ask(world.name(OWNER), TLSA);
    const rdata = answers[0]!.data as unknown as Buffer;
    expect([...rdata.subarray(0, 3)]).toEqual([usage, selector, matching]);
    const shown = await certificateOf(world);
    const content =
      selector === 0 ? shown.raw : shown.publicKey.export({ type: 'spki', format: 'der' });
    const hash = ['', 'sha256', 'sha512'][matching]!;
    const expected = matching === 0 ? content : createHash(hash).update(content).digest();
    expect(rdata.subarray(3).equals(expected)).toBe(true);
  });

  test('stay those of the honest certificate when another is shown', async () => {
    const plan = planOf({});
    const attacked: LabPlan = {
      ...plan,
      mxHosts: { ...plan.mxHosts, [MX1]: { tls: { certificate: 'right-and-recipient-domain' } } },
    };
    using world = openWorld(lab, attacked);
    await ask(world.name(OWNER), TLSA);
    await certificateOf(world);
    const records = world.seen('dns-query')[0]!.tlsa!.map(readTlsa);
    const [handshake] = await world.until('tls-handshake');
    expect(handshake!.authenticated).toBe(true);
    expect(isDaneAuthenticated(records, handshake!.chain!, [])).toBe(false);
  });

  test('can be malformed, and of somebody else', async () => {
    const dane = [{ bytes: 31 }, { bytes: 0 }, { of: { host: 'mx.attacker.test' } }].map(
      (change) => ({ usage: 3, selector: 1, matching: 1, ...change }),
    );
    using world = openWorld(lab, planOf({ dane }));
    const { answers } = await ask(world.name(OWNER), TLSA);
    const [short, none, other] = answers.map(({ data }) => data as unknown as Buffer);
    expect(short).toHaveLength(3 + 31);
    expect(none).toHaveLength(3);
    const key = (await certificateOf(world)).publicKey.export({ type: 'spki', format: 'der' });
    const own = createHash('sha256').update(key).digest();
    expect(short!.subarray(3).equals(own.subarray(0, 31))).toBe(true);
    expect(other!.subarray(3).equals(own)).toBe(false);
  });

  test('of an issuer fit a chain that is sent with its root', async () => {
    const mx = [{ host: MX1, preference: 10, sendsRoot: true, certificate: 'unknown-ca' as const }];
    const dane = [{ usage: 2, selector: 0, matching: 1, of: { part: 'issuer' as const } }];
    using world = openWorld(lab, planOf({ mx, dane }));
    await ask(world.name(OWNER), TLSA);
    await certificateOf(world);
    const records = world.seen('dns-query')[0]!.tlsa!.map(readTlsa);
    const [handshake] = await world.until('tls-handshake');
    const is = (name: string) => isDaneAuthenticated(records, handshake!.chain!, [name]);
    expect(handshake!.authenticated).toBe(false);
    expect(is(world.name(MX1))).toBe(true);
    expect(is('other.test')).toBe(false);
  });
});
