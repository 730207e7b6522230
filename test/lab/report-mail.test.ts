import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, startLab } from '../../harness/lab/lab.ts';
import { openWorld, type TestWorld, zone } from './world.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
  await lab.access.publish(
    'key._domainkey.sender.test',
    `v=DKIM1; k=rsa; s=tlsrpt; p=${publicKey.toString('base64')}`,
  );
});
afterAll(() => lab[Symbol.asyncDispose]());

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'der' },
});
const MX = 'mx1.victim.test';
const REPORT = { 'organization-name': 'Probe', 'report-id': '1', policies: [] };
const FILE = 'sender.test!victim.test!1795910400!1795996799.json.gz';

const world = () =>
  openWorld(lab, {
    ...zone([
      { name: 'victim.test', type: 'MX', preference: 10, exchange: MX },
      { name: MX, type: 'A', host: MX },
      {
        name: '_smtp._tls.victim.test',
        type: 'TXT',
        text: 'v=TLSRPTv1; rua=mailto:tls%2Dreports@victim.test?subject=x,https://tlsrpt.victim.test/a',
      },
    ]),
    mxHosts: { [MX]: {} },
  });

/** Signed by another library than the one that verifies. */
async function mail(
  seen: TestWorld,
  { dkim = true, ...message }: SendMailOptions & { dkim?: boolean } = {},
) {
  const { address: host, port } = await seen.find(MX, 25);
  const transport = createTransport({
    host,
    port,
    ignoreTLS: true,
    ...(dkim && {
      dkim: { domainName: 'sender.test', keySelector: 'key', privateKey },
    }),
  });
  await transport.sendMail({
    from: 'tlsrpt@sender.test',
    to: seen.name('tls-reports@victim.test'),
    subject: 'Report Domain: victim.test Submitter: sender.test Report-ID: <1@sender.test>',
    text: 'A report.',
    headers: { 'TLS-Report-Domain': 'victim.test', 'TLS-Report-Submitter': 'sender.test' },
    attachments: [
      {
        filename: FILE,
        contentType: 'application/tlsrpt+gzip',
        content: gzipSync(JSON.stringify(REPORT)),
      },
    ],
    ...message,
  });
}

test('a report, and how it was sent', async () => {
  using seen = world();
  await mail(seen);
  expect(seen.seen('report-received')).toMatchObject([
    {
      host: seen.name(MX),
      contentType: 'application/tlsrpt+gzip',
      zipped: true,
      report: REPORT,
      mail: {
        from: 'tlsrpt@sender.test',
        to: [seen.name('tls-reports@victim.test')],
        secure: false,
        hasText: true,
        attachment: { filename: FILE, isGzip: true },
        alike: 1,
        dkim: [
          {
            domain: 'sender.test',
            selector: 'key',
            result: 'pass',
            key: expect.stringContaining('s=tlsrpt'),
          },
        ],
      },
    },
  ]);
});

test('it is recorded before the sender is told that it was taken', async () => {
  using seen = world();
  await mail(seen);
  const kinds = seen.observations.map(({ kind }) => kind);
  const answered = seen.observations.findIndex(
    (one) => one.kind === 'smtp-reply' && one.to === '.',
  );
  expect(kinds.indexOf('report-received')).toBeLessThan(answered);
});

test.each<[string, object, object]>([
  ['unsigned', { dkim: false }, { dkim: [] }],
  [
    'signed by a key that is nowhere',
    { dkim: false, headers: { 'DKIM-Signature': signedByNobody() } },
    { dkim: [{ domain: 'sender.test', selector: 'none', result: 'neutral' }] },
  ],
  ['with no report in it', { attachments: [] }, { hasText: false, alike: 0 }],
])('a mail to the mailbox, %s', async (_what, message, mailed) => {
  using seen = world();
  await mail(seen, message);
  expect(seen.seen('report-received')).toMatchObject([{ mail: mailed }]);
});

test.each<[string, string, object]>([
  ['as it should be', 'a=rsa-sha256; i=tlsrpt@mail.sender.test', { result: 'pass' }],
  ['by SHA-1', 'a=rsa-sha1', { result: 'policy', why: 'weak algorithm' }],
  [
    'for another domain',
    'a=rsa-sha256; i=tlsrpt@other.test',
    { result: 'neutral', why: 'domain mismatch' },
  ],
])('signed %s', async (_what, tags, signature) => {
  using seen = world();
  const to = seen.name('tls-reports@victim.test');
  await mail(seen, {
    dkim: false,
    envelope: { from: 'tlsrpt@sender.test', to },
    raw: signedWith(tags),
  });
  expect(seen.seen('report-received')).toMatchObject([{ mail: { dkim: [signature] } }]);
});

test('a report that went to another mailbox is one', async () => {
  using seen = world();
  await mail(seen, { to: seen.name('postmaster@victim.test') });
  expect(seen.seen('report-received')).toMatchObject([{ report: REPORT }]);
});

test('what is no report, and what is ours', async () => {
  using seen = world();
  await mail(seen, { to: seen.name('friend@victim.test'), attachments: [], headers: {} });
  await mail(seen, { text: 'Its token is hf0123456789ab.' });
  expect(seen.seen('message-accepted')).toHaveLength(2);
  expect(seen.seen('report-received')).toEqual([]);
});

/** RFC 6376 §3.4, §3.7, with all of it written as it is hashed. */
function signedWith(tags: string): string {
  const hash = tags.includes('sha1') ? 'sha1' : 'sha256';
  const [from, body] = ['tlsrpt@sender.test', 'A report.\r\n'];
  const bh = createHash(hash).update(body).digest('base64');
  const field = `v=1; ${tags}; c=relaxed/relaxed; d=sender.test; s=key; h=from; bh=${bh}; b=`;
  const b = sign(hash, Buffer.from(`from:${from}\r\ndkim-signature:${field}`), privateKey);
  return `DKIM-Signature: ${field}${b.toString('base64')}\r\nFrom: ${from}\r\n\r\n${body}`;
}

/** RFC 6376 §3.5; what is signed matters not where there is no key. */
function signedByNobody(): string {
  return 'v=1; a=rsa-sha256; c=relaxed/relaxed; d=sender.test; s=none; h=from; bh=AAAA; b=AAAA';
}
