/**
 * What the name server does with signed zones for a resolver's client and for a validator. That the
 * signatures hold is for validators to say: test/containers/dnssec.test.ts.
 */

import dgram from 'node:dgram';
import { once } from 'node:events';
import { Packet } from 'dns2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { attack } from '../../harness/attacks/break-dnssec.ts';
import { type Lab, startLab } from '../../harness/lab/lab.ts';
import { baselinePlan, DEFAULT_DOMAIN, DEFAULT_POLICY } from '../../harness/model/baseline.ts';
import { changesBetween } from '../../harness/model/changes.ts';
import { firstBelow, nsecRdata } from '../../harness/protocol/dnssec.ts';
import { openWorld } from './world.ts';

const OWNER = '_25._tcp.mx1.victim.test';
const [DS, RRSIG, NSEC, TLSA] = [43, 46, 47, 52];
const { RCODE, TYPE } = Packet;

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const honest = baselinePlan({ ...DEFAULT_DOMAIN, dane: true }, DEFAULT_POLICY);
const under = (how: string) => attack.apply(honest, attack.options.parse({ how }));

interface How {
  readonly do?: boolean;
  readonly cd?: boolean;
}

async function ask(name: string, type: number, how: How = { do: true }) {
  const query = new Packet();
  Object.assign(query.header, { id: 7, rd: 1, cd: how.cd ? 1 : 0 });
  query.questions.push({ name, type, class: 1 } as never);
  if (how.do) {
    const options = { doFlag: true, udpPayloadSize: 1232 };
    query.additionals.push((Packet.Resource as any).EDNS([], options));
  }
  const socket = dgram.createSocket('udp4');
  const { port, address } = lab.access.dns;
  socket.send(query.toBuffer(), port, address);
  const [bytes] = await once(socket, 'message');
  socket.close();
  return Packet.parse(bytes);
}

const typesOf = (records: Packet['answers']) => records.map(({ type }) => type);

describe('a signed zone', () => {
  test('is signed for who asks with DO, and for nobody else', async () => {
    using seen = openWorld(lab, honest);
    expect(typesOf((await ask(seen.name(OWNER), TLSA)).answers)).toEqual([TLSA, RRSIG]);
    expect(typesOf((await ask(seen.name(OWNER), TLSA, {})).answers)).toEqual([TLSA]);
  });

  test('proves what it has not', async () => {
    using seen = openWorld(lab, honest);
    const nodata = await ask(seen.name('mx1.victim.test'), TYPE.TXT);
    expect(typesOf(nodata.authorities)).toEqual([TYPE.SOA, NSEC, RRSIG, RRSIG]);
    const nobody = await ask(seen.name('nobody.victim.test'), TYPE.A);
    expect(nobody.header.rcode).toBe(RCODE.NXDOMAIN);
    expect(typesOf(nobody.authorities)).toEqual([TYPE.SOA, NSEC, NSEC, RRSIG, RRSIG, RRSIG]);
  });

  test('an unsigned zone beside it has none of it', async () => {
    using seen = openWorld(lab, honest);
    expect(typesOf((await ask(seen.name('sender.test'), TYPE.MX)).answers)).toEqual([TYPE.MX]);
  });

  test('letters beyond ASCII are left as they are (RFC 4343 §3)', async () => {
    using seen = openWorld(lab, honest);
    // In UTF-8; its octets as Latin-1 have capitals among them.
    const name = seen.name('po\xc5\xa1ta.test');
    const { authorities } = await ask(name.replace('po', 'Po'), DS);
    const nsec = authorities.find(({ type }) => type === NSEC);
    expect(nsec?.name).toBe(name);
    const next = Buffer.from(nsecRdata(firstBelow(name), [TYPE.NS, RRSIG, NSEC]));
    expect((nsec as unknown as { data: Buffer }).data.toString('latin1')).toBe(
      next.toString('latin1'),
    );
  });

  test('the same signature is made once', async () => {
    using seen = openWorld(lab, honest);
    const signature = async () => (await ask(seen.name(OWNER), TLSA)).answers[1];
    expect(await signature()).toEqual(await signature());
  });
});

describe('what is bogus', () => {
  test.each(['signatures-stripped', 'denial-forged', 'ds-of-other-key'])(
    'is a failure to the client of a resolver: %s',
    async (how) => {
      using seen = openWorld(lab, under(how));
      const { header } = await ask(seen.name(OWNER), TLSA, {});
      expect(header.rcode).toBe(RCODE.SERVFAIL);
    },
  );

  test('is there to see for a validator, which the evidence knows', async () => {
    using seen = openWorld(lab, under('signatures-stripped'));
    const reply = await ask(seen.name(OWNER), TLSA, { do: true, cd: true });
    expect(typesOf(reply.answers)).toEqual([TLSA]);
    expect(reply.header).toMatchObject({ rcode: RCODE.NOERROR, ad: 0 });
    expect(seen.seen('dns-query')).toMatchObject([{ answer: 'NOERROR 1, bogus' }]);
  });
});

test('a claim that nothing proves sets the AD bit, and is no evidence', async () => {
  const { secure: _, ...dns } = honest.dns;
  const plan = attack.apply({ ...honest, dns }, attack.options.parse({ how: 'ad-claimed' }));
  using seen = openWorld(lab, plan);
  expect((await ask(seen.name(OWNER), TLSA)).header).toMatchObject({ ad: 1 });
  expect(seen.seen('dns-query')).toMatchObject([{ ad: false }]);
});

describe('what has to be met', () => {
  const changed = (how: string) =>
    changesBetween(honest, under(how), { domains: ['victim.test'], knownIds: [] }).flatMap(
      (change) => (change.kind === 'question' ? `${change.name} ${change.type}` : []),
    );

  test('a broken answer is met where it is asked for', () => {
    expect(changed('signatures-expired')).toEqual([`${OWNER} TLSA`]);
  });

  test('a broken delegation at the first question of the zone', () => {
    expect(changed('ds-removed')).toContain('victim.test MX');
    expect(changed('ds-withheld')).toContain('victim.test MX');
  });
});
