/**
 * TLS as a plan wants it, against clients of OpenSSL's: what they make of it, and what of them is
 * recorded.
 */

import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import { createPki, type Pki } from '../../certs/index.ts';
import { readClientHello } from '../../harness/lab/client-hello.ts';
import { createTlsAcceptor, nameOfTlsError, type TlsAcceptor } from '../../harness/lab/tls.ts';
import type { TlsEvent } from '../../harness/model/observation.ts';
import type { TlsPlan } from '../../harness/model/plan.ts';
import { clientHello } from './world.ts';

const HOST = 'mx1.victim.t1.test';
/** RFC 8446 §6 */
const FATAL = 2;

let pki: Pki;
beforeAll(async () => {
  pki = await createPki();
});

describe('a manner of TLS', () => {
  test.each<[string, TlsPlan, tls.ConnectionOptions, Partial<TlsEvent>]>([
    ['as ever', {}, {}, { protocol: 'TLSv1.3', authenticated: true }],
    ['one group alone', { groups: ['P-521'] }, {}, { protocol: 'TLSv1.3' }],
    [
      'one cipher suite alone',
      { ciphers: ['ECDHE-ECDSA-CHACHA20-POLY1305'] },
      {},
      { protocol: 'TLSv1.2', cipher: 'ECDHE-ECDSA-CHACHA20-POLY1305', authenticated: true },
    ],
    [
      'one of TLS 1.3',
      { ciphers: ['TLS_AES_128_GCM_SHA256'] },
      {},
      { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' },
    ],
    [
      'no encryption: the certificate proves nothing',
      { ciphers: ['ECDHE-ECDSA-NULL-SHA'] },
      { ciphers: 'ALL:COMPLEMENTOFALL:@SECLEVEL=0' },
      { cipher: 'ECDHE-ECDSA-NULL-SHA', authenticated: false },
    ],
    [
      'no certificate',
      { ciphers: ['AECDH-AES128-SHA'] },
      { ciphers: 'ALL:COMPLEMENTOFALL:@SECLEVEL=0' },
      { cipher: 'AECDH-AES128-SHA', authenticated: false },
    ],
    ['a certificate asked for', { clientCertificate: 'requested' }, {}, { authenticated: true }],
    ['records of a byte', { recordBytes: 1 }, {}, { protocol: 'TLSv1.3' }],
    [
      'records of a byte, and TLS 1.2',
      { recordBytes: 1, maxVersion: 'TLSv1.2' },
      {},
      { protocol: 'TLSv1.2', authenticated: true },
    ],
    ['a protocol', { alpn: ['smtp'] }, { ALPNProtocols: ['h2', 'smtp'] }, {}],
  ])('%s', async (_, plan, client, event) => {
    const { error, told } = await meet(plan, client);
    expect(error).toBeUndefined();
    expect(told).toMatchObject({ result: 'completed', ...event });
  });

  test.each<[string, TlsPlan, tls.ConnectionOptions, RegExp, Partial<TlsEvent>]>([
    [
      'a certificate required',
      { clientCertificate: 'required', maxVersion: 'TLSv1.2' },
      {},
      /ALERT_HANDSHAKE_FAILURE/,
      { reason: 'peer_did_not_return_a_certificate' },
    ],
    [
      'no protocol in common',
      { alpn: ['smtp'] },
      { ALPNProtocols: ['h2'] },
      /NO_APPLICATION_PROTOCOL/,
      {},
    ],
    [
      'an alert of another name',
      { handshake: 'alert', alert: 'unrecognized_name' },
      {},
      /UNRECOGNIZED_NAME/,
      {},
    ],
    [
      'the right certificate in the wrong hands',
      { certificate: 'wrong-key' },
      {},
      /SIGNATURE/,
      { authenticated: false, reason: 'alert:decrypt_error' },
    ],
  ])('%s', async (_, plan, client, code, event) => {
    const { error, told } = await meet(plan, client);
    expect(error).toMatch(code);
    expect(told).toMatchObject({ result: 'failed', ...event });
  });
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a session is resumed where a certificate is asked for, over %s',
  async (maxVersion) => {
    const plan: TlsPlan = { clientCertificate: 'requested', maxVersion };
    const acceptor = createTlsAcceptor(pki);
    const first = await sessionWith(acceptor, plan);
    expect(first.isReused).toBe(false);
    expect((await sessionWith(acceptor, plan, first.session)).isReused).toBe(true);
  },
);

describe('a flight by hand', () => {
  test.each<[string, TlsPlan, tls.ConnectionOptions, Partial<TlsEvent>]>([
    ['nothing wrong', { flight: {} }, {}, { wentOn: true }],
    ['cut small', { flight: {}, recordBytes: 3 }, {}, { wentOn: true }],
    ['an RSA key', { flight: {}, certificate: 'right-rsa' }, {}, { wentOn: true }],
    [
      'the sentinel, to who speaks TLS 1.3',
      { flight: { sentinel: true } },
      {},
      { wentOn: false, reason: 'alert:illegal_parameter' },
    ],
    [
      'the sentinel, to who does not',
      { flight: { sentinel: true } },
      { maxVersion: 'TLSv1.2' },
      { wentOn: true },
    ],
    [
      'SSL 3',
      { flight: { version: 'SSLv3' } },
      {},
      { wentOn: false, reason: 'alert:protocol_version', certificate: 'right-rsa' },
    ],
    [
      'TLS 1.1, to who speaks it',
      { flight: { version: 'TLSv1.1' } },
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      { wentOn: true },
    ],
    [
      'no renegotiation_info',
      { flight: { renegotiationInfo: false } },
      {},
      { wentOn: false, reason: 'alert:handshake_failure' },
    ],
    [
      'a key that is not that of the certificate',
      { flight: {}, certificate: 'wrong-key' },
      {},
      { wentOn: false, reason: 'alert:51' },
    ],
    [
      'a small prime',
      { flight: { dhBits: 1024 } },
      { ciphers: 'DEFAULT@SECLEVEL=2' },
      { wentOn: false, certificate: 'right-rsa' },
    ],
    [
      'a small prime, to who takes it',
      { flight: { dhBits: 1024 } },
      { ciphers: 'DEFAULT@SECLEVEL=0' },
      { wentOn: true },
    ],
    [
      'two HelloRetryRequests',
      { flight: { helloRetries: 2 } },
      {},
      { wentOn: false, reason: 'alert:unexpected_message' },
    ],
    [
      'a HelloRetryRequest to who knows no TLS 1.3',
      { flight: { helloRetries: 2 } },
      { maxVersion: 'TLSv1.2' },
      { reason: expect.stringMatching(/^nothing in the ClientHello/) },
    ],
    [
      'the ServerHello alone',
      { flight: { upTo: 'server-hello' } },
      {},
      { reason: 'the lab sent its flight up to server-hello' },
    ],
  ])('%s', async (_, plan, client, event) => {
    const { error, told } = await meet(plan, client);
    expect(error).toBeDefined();
    expect(told).toMatchObject({ result: 'failed', ...event });
    if (!('wentOn' in event)) expect(told).not.toHaveProperty('wentOn');
  });
});

describe('an alert of the client', () => {
  test.each([
    [10, 'unexpected_message'],
    [20, 'bad_record_mac'],
    [40, 'handshake_failure'],
    [42, 'bad_certificate'],
    [43, 'unsupported_certificate'],
    [44, 'certificate_revoked'],
    [45, 'certificate_expired'],
    [46, 'certificate_unknown'],
    [47, 'illegal_parameter'],
    [48, 'unknown_ca'],
    [51, 'decrypt_error'],
    [70, 'protocol_version'],
    [110, 'unsupported_extension'],
    [112, 'unrecognized_name'],
    [116, 'certificate_required'],
  ])('%i is %s', async (description, name) => {
    expect(await toldOfAlert(description)).toMatchObject({
      result: 'failed',
      reason: `alert:${name}`,
    });
  });

  test.each(['SSLV3', 'SSL/TLS', 'TLSV1', 'TLSV13'])(
    'whatever OpenSSL calls it: %s',
    (protocol) => {
      const nameOf = (rest: string) =>
        nameOfTlsError(Object.assign(new Error(), { code: `ERR_SSL_${protocol}_${rest}` }));
      expect(nameOf('ALERT_BAD_CERTIFICATE')).toBe('alert:bad_certificate');
      expect(nameOf('ROLLBACK_ATTACK')).not.toMatch(/^alert/);
    },
  );
});

describe('what a ClientHello offers', () => {
  const offerOf = async (maxVersion?: tls.SecureVersion) => {
    const hello = readClientHello(await clientHello(HOST, maxVersion));
    return hello.kind === 'whole' ? hello.offer : undefined;
  };

  test('of TLS 1.3 and 1.2', async () => {
    const offer = await offerOf();
    expect(offer).toMatchObject({ versions: ['TLSv1.3', 'TLSv1.2'], alpn: [] });
    expect(offer!.ciphers).toMatch(/^([0-9a-f]{4} )*1301( [0-9a-f]{4})*$/);
    expect(offer!.groups.split(' ')).toEqual(expect.arrayContaining(['001d', '0017']));
    expect(offer!.shares.split(' ')).toContain('001d');
    expect(offer!.signatures.split(' ')).toContain('0403');
    expect(offer!.extensions).toEqual(expect.arrayContaining([0, 10, 13, 23, 43, 51]));
  });

  test('of TLS 1.2 alone: the highest', async () => {
    expect(await offerOf('TLSv1.2')).toMatchObject({ versions: ['TLSv1.2'], shares: '' });
  });

  test('of SSL 2', () => {
    const hello = Buffer.from('802e0100020015000000100100800300800700c0', 'hex');
    expect(readClientHello(hello)).toMatchObject({ kind: 'whole', offer: { versions: ['SSLv2'] } });
  });

  test('of SSL 3', () => {
    const body = `0300${'00'.repeat(32)}000002002f0100`;
    const hello = Buffer.from(`160300002d0100002${'9'}${body}`, 'hex');
    expect(readClientHello(hello)).toMatchObject({
      kind: 'whole',
      servername: '',
      offer: { versions: ['SSLv3'], ciphers: '002f', extensions: [] },
    });
  });
});

/** Shakes hands with an MX host, and is given a session. */
async function sessionWith(acceptor: TlsAcceptor, plan: TlsPlan, session?: Buffer) {
  const host = { host: HOST, service: 'mx', plan, others: {} } as const;
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    void acceptor.accept(socket, host, 'c1', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const ca = pki.authorities.mxHosts.certificatePem;
  const socket = tls.connect({ host: '127.0.0.1', port, servername: HOST, ca, session });
  const given = session ?? (once(socket, 'session') as Promise<[Buffer]>);
  await once(socket, 'secureConnect');
  const isReused = socket.isSessionReused();
  const [kept] = [await given].flat();
  socket.destroy();
  server.close();
  return { isReused, session: kept! };
}

/** What the lab tells of a client that answers its flight with a fatal alert in clear. */
async function toldOfAlert(description: number): Promise<TlsEvent> {
  const { promise, resolve } = Promise.withResolvers<TlsEvent>();
  const host = { host: HOST, service: 'mx', plan: {}, others: {} } as const;
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    void createTlsAcceptor(pki).accept(socket, host, 'c1', resolve);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(await clientHello(HOST, 'TLSv1.2'));
  await once(socket, 'data');
  socket.write(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, FATAL, description]));
  const told = await promise;
  socket.destroy();
  server.close();
  return told;
}

/** A client of OpenSSL's at an MX host; its error's code, and what the lab has told. */
async function meet(
  plan: TlsPlan,
  client: tls.ConnectionOptions,
): Promise<{ error?: string; told: TlsEvent }> {
  const { promise, resolve } = Promise.withResolvers<TlsEvent>();
  const host = { host: HOST, service: 'mx', plan, others: {} } as const;
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    void createTlsAcceptor(pki).accept(socket, host, 'c1', resolve);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = tls.connect({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    servername: HOST,
    ca: pki.authorities.mxHosts.certificatePem,
    rejectUnauthorized: false,
    ...client,
  });
  // What breaks off after a flight by hand may be told of by its end alone.
  const error = await new Promise<string | undefined>((over) => {
    socket.once('secureConnect', () => over(undefined));
    socket.once('error', (failure: NodeJS.ErrnoException) => over(failure.code ?? 'error'));
    socket.once('close', () => over('closed'));
  });
  const told = await promise;
  socket.destroy();
  server.close();
  return { error, told };
}
