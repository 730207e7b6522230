/**
 * The first flight of a TLS server, written by hand, for what OpenSSL would never say (RFC 5246
 * §7.4, RFC 8446 §4.1.3, §4.1.4). The key exchange is signed with the key of the certificate, so
 * that a client has no reason to stop but what is wrong on purpose. What it says then is all there
 * is to learn: the handshake is never finished.
 */

import { createECDH, createPrivateKey, getDiffieHellman, randomBytes, sign } from 'node:crypto';
import { certificatesIn, type IssuedCertificate } from '../../certs/index.ts';
import { FLIGHT, type FlightPlan } from '../model/plan.ts';
import type { Hello } from './client-hello.ts';

type ClientHello = Extract<Hello, { kind: 'whole' }>;

const HANDSHAKE = 22;
const MESSAGE = { serverHello: 2, certificate: 11, keyExchange: 12, done: 14 } as const;
const VERSION = { SSLv3: 0x0300, TLSv1: 0x0301, 'TLSv1.1': 0x0302, 'TLSv1.2': 0x0303 } as const;
/** With AES-128-GCM, and the last with AES-128-CBC. */
const SUITE = { ecdheEcdsa: 0xc02b, ecdheRsa: 0xc02f, dhe: 0x009e, rsa: 0x002f } as const;
/** RFC 2409 §6.2, RFC 3526 §3. */
const DH_GROUP = { 1024: 'modp2', 2048: 'modp14' } as const;
/** RFC 8446 §4.1.3. */
const RETRY_RANDOM = Buffer.from(
  'cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c',
  'hex',
);

/** The records of the flight, up to where the plan has it end. */
export function serverFlight(
  plan: FlightPlan,
  hello: ClientHello,
  shown: IssuedCertificate,
): Buffer {
  const { version = 'TLSv1.2', sentinel, renegotiationInfo = true, dhBits, upTo = 'done' } = plan;
  const key = createPrivateKey(shown.keyPem);
  const isRsa = key.asymmetricKeyType === 'rsa';
  const random = Buffer.concat([
    randomBytes(24),
    sentinel ? Buffer.from(`DOWNGRD${version === 'TLSv1.2' ? '\x01' : '\x00'}`) : randomBytes(8),
  ]);
  // Before TLS 1.2 by RSA alone, with no key exchange to sign.
  const isEphemeral = version === 'TLSv1.2';
  const ephemeralSuite = dhBits ? SUITE.dhe : isRsa ? SUITE.ecdheRsa : SUITE.ecdheEcdsa;
  const suite = isEphemeral ? ephemeralSuite : SUITE.rsa;
  const serverHello = Buffer.concat([
    number(VERSION[version], 2),
    random,
    number(0, 1),
    number(suite, 2),
    number(0, 1),
    ...(renegotiationInfo ? [vector(2, extension(0xff01, number(0, 1)))] : []),
  ]);
  const certificates = certificatesIn(shown.chainPem).map(({ raw }) => vector(3, raw));
  const keyExchange = () => {
    const parameters = dhBits ? dheParameters(dhBits) : ecdheParameters();
    const signed = sign('sha256', Buffer.concat([hello.random, random, parameters]), key);
    return Buffer.concat([parameters, number(isRsa ? 0x0401 : 0x0403, 2), vector(2, signed)]);
  };
  const messages = {
    'server-hello': [message(MESSAGE.serverHello, serverHello)],
    certificate: [message(MESSAGE.certificate, vector(3, ...certificates))],
    'key-exchange': isEphemeral ? [message(MESSAGE.keyExchange, keyExchange())] : [],
    done: [message(MESSAGE.done, Buffer.alloc(0))],
  };
  const sent = FLIGHT.slice(0, FLIGHT.indexOf(upTo) + 1).flatMap((name) => messages[name]);
  return Buffer.concat(sent.map((one) => record(one, VERSION[version])));
}

/** RFC 8422 §5.4: on P-256. */
function ecdheParameters(): Buffer {
  const curve = Buffer.concat([number(3, 1), number(0x0017, 2)]);
  return Buffer.concat([curve, vector(1, createECDH('prime256v1').generateKeys())]);
}

/** RFC 5246 §7.4.3. */
function dheParameters(bits: keyof typeof DH_GROUP): Buffer {
  const group = getDiffieHellman(DH_GROUP[bits]);
  const share = group.generateKeys();
  return Buffer.concat(
    [group.getPrime(), group.getGenerator(), share].map((one) => vector(2, one)),
  );
}

/**
 * A HelloRetryRequest for a group that the client knows and has sent no share for (RFC 8446
 * §4.1.4); undefined: there is no such group, or it does not speak TLS 1.3.
 */
export function helloRetry({ offer, sessionId }: ClientHello): Buffer | undefined {
  const shares = offer.shares.split(' ');
  const group = offer.groups
    .split(' ')
    .find((one) => NAMED_CURVES.includes(one) && !shares.includes(one));
  if (group === undefined || !offer.versions.includes('TLSv1.3')) return undefined;
  const body = Buffer.concat([
    number(VERSION['TLSv1.2'], 2),
    RETRY_RANDOM,
    vector(1, sessionId),
    number(0x1301, 2),
    number(0, 1),
    vector(2, extension(43, number(0x0304, 2)), extension(51, Buffer.from(group, 'hex'))),
  ]);
  return record(message(MESSAGE.serverHello, body), VERSION['TLSv1.2']);
}

/** P-256, P-384, P-521. */
const NAMED_CURVES: readonly string[] = ['0017', '0018', '0019'];

const message = (type: number, body: Buffer) => Buffer.concat([number(type, 1), vector(3, body)]);
const record = (content: Buffer, version: number) =>
  Buffer.concat([number(HANDSHAKE, 1), number(version, 2), vector(2, content)]);
const extension = (type: number, content: Buffer) =>
  Buffer.concat([number(type, 2), vector(2, content)]);

/** The parts behind their length, in so many bytes. */
function vector(lengthBytes: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([number(content.length, lengthBytes), content]);
}

function number(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}
