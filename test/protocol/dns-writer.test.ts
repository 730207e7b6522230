/** The writer that dns2 is given writes what its own does. */

import { Packet } from 'dns2';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DnsWriter } from '../../harness/protocol/dns-writer.ts';

const { TYPE, CLASS } = Packet;
const { EDNS } = Packet.Resource as any;

const bytesOf = (packet: Packet): Buffer =>
  (packet.toBuffer as (writer: DnsWriter) => Buffer).call(packet, new DnsWriter());

const label = fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom(...'aB9-_') });
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
const address = fc.ipV4().map((it) => ({ type: TYPE.A, address: it }));
const mx = fc.record({ type: fc.constant(TYPE.MX), priority: fc.nat(0xffff), exchange: name });
const txt = fc
  .array(
    fc.uint8Array({ maxLength: 255 }).map((bytes) => Buffer.from(bytes)),
    { minLength: 1 },
  )
  .map((data) => ({ type: TYPE.TXT, data }));
const other = fc
  .uint8Array({ maxLength: 2000 })
  .map((bytes) => ({ type: 52, data: Buffer.from(bytes) }));
const record = fc
  .tuple(name, fc.nat(), fc.oneof(address, mx, txt, other))
  .map(
    ([at, ttl, rdata]) => new Packet.Resource({ name: at, ttl, class: CLASS.IN, ...rdata } as any),
  );
const flags = fc.record({
  id: fc.nat(0xffff),
  qr: fc.nat(1),
  opcode: fc.nat(15),
  aa: fc.nat(1),
  tc: fc.nat(1),
  rd: fc.nat(1),
  ra: fc.nat(1),
  ad: fc.nat(1),
  cd: fc.nat(1),
  rcode: fc.nat(15),
});

test('of any message', () => {
  fc.assert(
    fc.property(flags, name, fc.array(record), fc.array(record), (header, asked, answers, more) => {
      const packet = new Packet();
      Object.assign(packet.header, header);
      packet.questions.push({ name: asked, type: TYPE.A, class: CLASS.IN } as never);
      packet.answers.push(...answers);
      packet.authorities.push(...more);
      expect(bytesOf(packet).toString('hex')).toBe(packet.toBuffer().toString('hex'));
    }),
  );
});

test('letters beyond ASCII are those that they are (RFC 4343 §3)', () => {
  const packet = new Packet();
  const names = ['\xc5.test', '\xe5.test', 'A.test', 'a.test'];
  packet.questions.push({ name: names[0], type: TYPE.A, class: CLASS.IN } as never);
  for (const at of names)
    packet.answers.push(
      new Packet.Resource({ name: at, type: TYPE.A, class: CLASS.IN, address: '1.2.3.4' } as any),
    );
  const { answers } = Packet.parse(bytesOf(packet));
  expect(answers.map(({ name: at }) => at)).toEqual(['\xc5.test', '\xe5.test', 'A.test', 'A.test']);
});

test('of an OPT record with an extended error', () => {
  const packet = new Packet();
  packet.additionals.push(EDNS([EDNS.EDE(6, 'bogus')], { udpPayloadSize: 1232, doFlag: true }));
  expect(bytesOf(packet).toString('hex')).toBe(packet.toBuffer().toString('hex'));
  expect(bytesOf(packet).toString('latin1')).toContain('bogus');
});
