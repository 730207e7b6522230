/**
 * `contacted`, `dns-queried`, `not-looked-up`, `command-parameters`, `sni`, `client-hello`,
 * `tls-version`, `handshake-broken-off` and `starttls-clean`: what was said on the wire.
 */

import { describe } from 'vitest';
import { CUT_FOR_SILENCE } from '../../harness/model/observation.ts';
import { cold, says } from './table.ts';

describe('contacted', () => {
  says('contacted', [
    ['met', 'it was', cold().connect('mx2.victim.test'), { options: { mx: 'MX2.victim.test' } }],
    [
      'unmet',
      'another was',
      cold().connect('mx1.victim.test').status('deferred'),
      { options: { mx: 'mx2.victim.test' } },
    ],
    [
      'met',
      'in the order asked for',
      cold().connect('mx1.victim.test').connect('mx2.victim.test'),
      { options: { mx: 'mx1.victim.test', before: 'mx2.victim.test' } },
    ],
    [
      'met',
      'and the other not at all',
      cold().connect('mx1.victim.test'),
      { options: { mx: 'mx1.victim.test', before: 'mx2.victim.test' } },
    ],
    [
      'unmet',
      'in the wrong order',
      cold().connect('mx2.victim.test').connect('mx1.victim.test'),
      { options: { mx: 'mx1.victim.test', before: 'mx2.victim.test' } },
    ],
    [
      'met',
      'never',
      cold().connect('mx1.victim.test').status('deferred'),
      { options: { mx: 'victim.test', never: true } },
    ],
    [
      'unmet',
      'never, and it was',
      cold().connect('victim.test'),
      { options: { mx: 'victim.test', never: true } },
    ],
    [
      'undecided',
      'never, but nothing was tried',
      cold(),
      { options: { mx: 'victim.test', never: true } },
    ],
    ['undecided', 'nothing was tried', cold(), { options: { mx: 'mx1.victim.test' } }],
    [
      'undecided',
      'in the order asked for, and nobody was contacted',
      cold().mx().status('deferred'),
      { options: { mx: 'mx1.victim.test', before: 'mx2.victim.test' } },
    ],
    [
      'unmet',
      'the MX was looked up, and nobody was contacted',
      cold().mx().status('deferred'),
      { options: { mx: 'mx1.victim.test' } },
    ],
  ]);
});

describe('dns-queried', () => {
  const options = { name: '_mta-sts.victim.test' };
  says('dns-queried', [
    ['met', 'it was', cold().txt('_MTA-STS.victim.test'), { options }],
    ['unmet', 'it was not', cold().mx(), { options }],
    ['unmet', 'with another type', cold().mx('_mta-sts.victim.test'), { options }],
    ['met', 'never', cold().txt(), { options: { name: '_mta-sts.above.test', never: true } }],
    ['undecided', 'never, nor its like', cold().mx(), { options: { ...options, never: true } }],
    ['unmet', 'never, and it was', cold().txt(), { options: { ...options, never: true } }],
    [
      'undecided',
      'never, but the sender asked nothing',
      cold(),
      { options: { ...options, never: true } },
    ],
    ['undecided', 'the sender asked nothing', cold(), { options }],
    ['met', 'by type', cold().mx(), { options: { name: 'victim.test', type: 'MX' } }],
  ]);
});

describe('not-looked-up', () => {
  const policy = { options: { record: 'policy' } };
  says('not-looked-up', [
    ['met', 'somebody was called', cold().connect(), policy],
    ['undecided', 'nobody was called', cold().mx(), policy],
    ['unmet', "the domain's record was", cold().txt().connect(), policy],
    ['unmet', "an address's record was", cold().txt('_mta-sts.[127.9.0.1]').connect(), policy],
    ['met', 'another TXT record was', cold().txt('victim.test').connect(), policy],
    ['met', 'and of TLSA', cold().txt().connect(), { options: { record: 'tlsa' } }],
  ]);
});

describe('command-parameters', () => {
  const options = { without: 'size' };
  const inside = () => cold().connect().ehlo().tls();
  says('command-parameters', [
    ['met', 'MAIL is bare', inside().command('MAIL FROM:<a@b.test>'), { options }],
    [
      'unmet',
      'MAIL carries it',
      inside().command('MAIL FROM:<a@b.test> BODY=8BITMIME SIZE=100'),
      { options },
    ],
    [
      'met',
      'the word stands in the address',
      inside().command('MAIL FROM:<size=1@b.test>'),
      { options },
    ],
    [
      'undecided',
      'MAIL in clear',
      cold().connect().ehlo().command('MAIL FROM:<a@b.test> SIZE=100'),
      { options },
    ],
    ['undecided', 'no MAIL', inside(), { options }],
    [
      'undecided',
      'a DSN, to an MX that does offer it',
      cold().connect('mx.sender.test').ehlo().tls().command('MAIL FROM:<> SIZE=100'),
      { options },
    ],
  ]);
});

describe('sni', () => {
  says('sni', [
    ['met', 'the name of the MX', cold().connect().ehlo().tls()],
    ['met', 'in other letters', cold().connect().ehlo().tls({ servername: 'MX1.victim.xw1.test' })],
    ['unmet', 'none', cold().connect().ehlo().tls({ servername: '' }), { actual: /no SNI/ }],
    [
      'unmet',
      'the recipient domain',
      cold().connect().ehlo().tls({ servername: 'victim.xw1.test' }),
    ],
    [
      'unmet',
      'wrong, on a handshake that failed',
      cold().connect().ehlo().tls({ servername: 'victim.xw1.test', result: 'failed' }),
    ],
    [
      'unmet',
      'none, on a handshake that the lab broke off',
      cold()
        .connect()
        .ehlo()
        .tls({ servername: '', result: 'failed', reason: 'the lab answered with reset' }),
    ],
    [
      'undecided',
      'no ClientHello came',
      cold().connect().ehlo().tls({ servername: '', hello: false, result: 'failed' }),
    ],
    ['undecided', 'no handshake', cold()],
    [
      'undecided',
      "none, to the sender's own MX, which has no policy",
      cold().connect('mx.sender.test').ehlo().tls({ servername: '' }),
    ],
    [
      'met',
      'to the policy host',
      cold().policyTls().connect().ehlo().tls({ servername: '' }),
      { options: { to: 'policy-host' } },
    ],
    [
      'unmet',
      'none to the policy host',
      cold().policyTls({ servername: '' }),
      { options: { to: 'policy-host' } },
    ],
    [
      'undecided',
      'only the MX was met',
      cold().connect().ehlo().tls(),
      { options: { to: 'policy-host' } },
    ],
  ]);
});

const OFFER = {
  versions: ['TLSv1.3', 'TLSv1.2'],
  ciphers: '1301 c02b',
  groups: '001d 0017',
  shares: '001d',
  signatures: '0403',
  alpn: [],
  extensions: [0, 10, 13, 23, 43, 51, 0xff01],
} as const;
const TLS12 = { ...OFFER, versions: ['TLSv1.2'], extensions: [0, 10, 13, 23, 0xff01] } as const;
const FAILED = { offer: OFFER, result: 'failed' } as const;

describe('client-hello', () => {
  const rule = (name: string) => ({ options: { rule: name } });
  const hello = (offer: object, more: object = {}) =>
    cold()
      .connect()
      .ehlo()
      .tls({ offer: { ...OFFER, ...offer }, ...more });
  const again = (...versions: string[]) =>
    cold()
      .connect()
      .ehlo()
      .tls(FAILED)
      .connect()
      .ehlo()
      .tls({ ...FAILED, offer: { ...TLS12, versions } });
  says('client-hello', [
    ['met', 'no SSL', hello({}), rule('no-ssl')],
    [
      'met',
      'a suite with a certificate',
      hello({ ciphers: 'c018 1301' }),
      rule('certificate-suites'),
    ],
    ['unmet', 'none such', hello({ ciphers: 'c018 0034 00ff' }), rule('certificate-suites')],
    ['met', 'a version that nobody knows yet', hello({ versions: ['0x0305'] }), rule('no-ssl')],
    ['unmet', 'SSL 3 among others', hello({ versions: ['TLSv1.2', 'SSLv3'] }), rule('no-ssl')],
    ['unmet', 'SSL 2', hello({ versions: ['SSLv2'] }), { ...rule('no-ssl'), actual: /SSLv2/ }],
    ['undecided', 'what nobody could read', hello({ versions: [] }), rule('no-ssl')],
    ['undecided', 'evidence of old', cold().connect().ehlo().tls(), rule('no-ssl')],
    ['met', 'the same again', again('TLSv1.3', 'TLSv1.2'), rule('no-fallback')],
    ['met', 'TLS 1.2 alone, which no RFC forbids', again('TLSv1.2'), rule('no-fallback')],
    ['unmet', 'TLS 1.1', again('TLSv1.1'), rule('no-fallback')],
    [
      'unmet',
      'TLS 1.1 after what failed in the step before',
      cold()
        .connect()
        .ehlo()
        .tls(FAILED)
        .step(1)
        .connect()
        .ehlo()
        .tls({ offer: { ...TLS12, versions: ['TLSv1.1'] } }),
      rule('no-fallback'),
    ],
    [
      'undecided',
      'nothing newer than TLS 1.1 at any time',
      hello({ versions: ['TLSv1.1'] }, { result: 'failed' }),
      rule('no-fallback'),
    ],
    ['undecided', 'nothing has failed', hello({}), rule('no-fallback')],
    ['met', 'a name', hello({}), rule('sni-form')],
    ['unmet', 'a dot', hello({}, { servername: 'mx1.victim.xw1.test.' }), rule('sni-form')],
    ['unmet', 'an address', hello({}, { servername: '192.0.2.7' }), rule('sni-form')],
    ['unmet', 'an address literal', hello({}, { servername: '[192.0.2.7]' }), rule('sni-form')],
    ['unmet', 'other letters', hello({}, { servername: 'm\u00fcx.test' }), rule('sni-form')],
    ['met', 'renegotiation_info', hello(TLS12), rule('renegotiation-info')],
    [
      'met',
      'the suite that stands for it',
      hello({ ...TLS12, extensions: [23], ciphers: 'c02b 00ff' }),
      rule('renegotiation-info'),
    ],
    [
      'unmet',
      'no renegotiation_info',
      hello({ ...TLS12, extensions: [23] }),
      rule('renegotiation-info'),
    ],
    [
      'met',
      'TLS 1.3 alone, which does without',
      hello({ versions: ['TLSv1.3'], extensions: [43] }),
      rule('renegotiation-info'),
    ],
    ['met', 'extended_master_secret', hello(TLS12), rule('extended-master-secret')],
    [
      'unmet',
      'no extended_master_secret, with TLS 1.3 as well',
      hello({ extensions: [43, 0xff01] }),
      rule('extended-master-secret'),
    ],
    [
      'met',
      'of the policy host too',
      cold().policyTls({ offer: OFFER }),
      rule('extended-master-secret'),
    ],
    ['undecided', 'no ClientHello', cold().connect().ehlo(), rule('sni-form')],
  ]);
});

describe('tls-version', () => {
  const spoken = (protocol: string) => cold().connect().ehlo().tls({ protocol });
  says('tls-version', [
    ['met', 'TLS 1.3', spoken('TLSv1.3')],
    ['unmet', 'TLS 1.2', spoken('TLSv1.2'), { actual: /^TLSv1\.2$/ }],
    ['met', 'TLS 1.2 will do', spoken('TLSv1.2'), { options: { atLeast: 'TLSv1.2' } }],
    ['unmet', 'TLS 1.1 will not', spoken('TLSv1.1'), { options: { atLeast: 'TLSv1.2' } }],
    ['undecided', 'nothing was completed', cold().connect().ehlo().tls(FAILED)],
    [
      'met',
      'with the policy host',
      cold().policyTls({ protocol: 'TLSv1.3' }),
      { options: { to: 'policy-host' } },
    ],
  ]);
});

describe('handshake-broken-off', () => {
  const answered = (wentOn?: boolean, offer: object = OFFER) =>
    cold()
      .connect()
      .ehlo()
      .tls({ ...FAILED, reason: 'alert:illegal_parameter', wentOn, offer: offer as typeof OFFER });
  const offering = { options: { offering: 'TLSv1.3' } };
  says('handshake-broken-off', [
    ['met', 'it was', answered(false), { actual: /illegal_parameter/ }],
    ['unmet', 'it was not', answered(true)],
    [
      'unmet',
      'only the first time',
      answered(false)
        .connect()
        .ehlo()
        .tls({ ...FAILED, wentOn: true }),
    ],
    ['undecided', 'the lab broke it off', answered()],
    ['undecided', 'no handshake', cold().connect().ehlo()],
    ['unmet', 'by who offered the version', answered(true), offering],
    ['unsupported', 'by who did not', answered(true, TLS12), offering],
  ]);
});

describe('starttls-clean', () => {
  const rule = (name: string) => ({ options: { rule: name } });
  const clear = () => cold().connect().ehlo().command('STARTTLS');
  const inside = { secure: true, authenticated: true };
  const early = { early: true };
  const where = { connection: 'c1', mx: 'mx1.victim.xw1.test' };
  const accepted = { kind: 'smtp-reply', ...where, to: 'STARTTLS', reply: '220 Go' } as const;
  const ready = () => clear().see({ ...accepted, changed: false });
  const garbage = { kind: 'smtp-garbage', ...where, excerpt: '"\\u0016\\u0003\\u0001"' } as const;
  const closed = (how: string, by: 'sender' | 'path' = 'sender') =>
    ({ kind: 'smtp-closed', ...where, by, how }) as const;
  const failed = () => cold().connect().ehlo().tls({ result: 'failed', reason: 'alert' });
  const silent = () =>
    cold().connect().ehlo().command('STARTTLS').see({
      kind: 'tls-handshake',
      connection: where.connection,
      service: 'mx',
      host: where.mx,
      certificate: 'self-signed',
      authenticated: false,
      hello: true,
      result: 'completed',
      servername: '',
    });
  const unproved = () => cold().connect().ehlo().tls({ authenticated: false });
  says('starttls-clean', [
    [
      'undecided',
      'STARTTLS was never said',
      cold().connect().ehlo().command('QUIT'),
      rule('ehlo-first'),
    ],
    ['met', 'EHLO first', cold().connect().ehlo().tls(), rule('ehlo-first')],
    ['unmet', 'MAIL first', clear().command('MAIL FROM:<a@b.test>', inside), rule('ehlo-first')],
    [
      'met',
      'QUIT first, TLS being no good (RFC 3207 §4.1)',
      clear().command('QUIT', inside),
      rule('ehlo-first'),
    ],
    ['undecided', 'nothing was said inside TLS', clear(), rule('ehlo-first')],
    ['met', 'each reply awaited', cold().connect().ehlo().tls().mail(), rule('waits-inside-tls')],
    [
      'unmet',
      'one reply ahead',
      clear()
        .command('EHLO a.test', inside)
        .command('MAIL FROM:<a@b.test>', { ...inside, ...early }),
      rule('waits-inside-tls'),
    ],
    [
      'met',
      'EHLO that came with the last flight of the handshake',
      clear()
        .command('EHLO a.test', { ...inside, ...early })
        .command('MAIL FROM:<a@b.test>', inside),
      rule('waits-inside-tls'),
    ],
    [
      'met',
      'pipelining later on',
      clear()
        .command('EHLO a.test', inside)
        .command('MAIL FROM:<a@b.test>', inside)
        .command('RCPT TO:<a@b.test>', { ...inside, ...early }),
      rule('waits-inside-tls'),
    ],
    ['undecided', 'nothing was said inside TLS', clear(), rule('waits-inside-tls')],
    [
      'met',
      'the handshake spoiled by what was injected, and given up',
      cold().connect().ehlo().tls({ result: 'failed', reason: 'wrong_version_number' }),
      rule('waits-inside-tls'),
    ],
    ['met', 'STARTTLS once', cold().connect().ehlo().tls(), rule('no-second-starttls')],
    [
      'unmet',
      'STARTTLS inside TLS',
      cold().connect().ehlo().tls().command('STARTTLS'),
      rule('no-second-starttls'),
    ],
    ['met', 'nothing behind STARTTLS', cold().connect().ehlo().tls(), rule('nothing-pipelined')],
    [
      'unmet',
      'EHLO behind STARTTLS',
      clear().command('EHLO a.test', early),
      rule('nothing-pipelined'),
    ],
    [
      'met',
      'pipelining in clear after a refusal',
      clear().command('MAIL FROM:<a@b.test>').command('RCPT TO:<a@b.test>', early),
      rule('nothing-pipelined'),
    ],
    ['met', 'bare', clear(), rule('no-parameters')],
    [
      'unmet',
      'with a parameter',
      cold().connect().ehlo().command('STARTTLS now'),
      rule('no-parameters'),
    ],
    ['met', 'a ClientHello behind the 220', cold().connect().ehlo().tls(), rule('handshake-next')],
    [
      'met',
      'a ClientHello that a path which goes on in clear takes for garbage',
      ready().see(garbage).see(closed('closed')),
      rule('handshake-next'),
    ],
    ['unmet', 'NOOP behind the 220', ready().command('NOOP').see(garbage), rule('handshake-next')],
    ['undecided', 'gone at once', ready().see(closed('closed')), rule('handshake-next')],
    [
      'undecided',
      'a command after a refusal of STARTTLS',
      clear().command('MAIL FROM:<a@b.test>'),
      rule('handshake-next'),
    ],
    [
      'met',
      'gone once the handshake has failed',
      failed().see(closed('handshake failed')),
      rule('dropped-without-tls'),
    ],
    [
      'met',
      'gone with a QUIT',
      failed().command('QUIT').see(closed('after QUIT')),
      rule('dropped-without-tls'),
    ],
    [
      'unmet',
      'MAIL where the handshake has failed',
      failed().command('MAIL FROM:<a@b.test>').see(closed('closed')),
      rule('dropped-without-tls'),
    ],
    [
      'undecided',
      'cut by the path',
      failed().see({ ...closed('reset'), by: 'path' }),
      rule('dropped-without-tls'),
    ],
    [
      'met',
      'QUIT, the certificate being no good',
      unproved().command('QUIT', { secure: true }).see(closed('after QUIT')),
      rule('quit-if-not-enough'),
    ],
    [
      'met',
      'an alert, the certificate being no good',
      unproved().see(closed('alert:unknown_ca')),
      rule('quit-if-not-enough'),
    ],
    [
      'unmet',
      'hung up without a word',
      unproved().see(closed('closed')),
      rule('quit-if-not-enough'),
    ],
    [
      'unmet',
      'not a word until the lab had enough',
      silent().see(closed(CUT_FOR_SILENCE, 'path')),
      rule('quit-if-not-enough'),
    ],
    [
      'undecided',
      'cut after it had said something',
      unproved().see(closed(CUT_FOR_SILENCE, 'path')),
      rule('quit-if-not-enough'),
    ],
    [
      'undecided',
      'a certificate that is good',
      cold().connect().ehlo().tls().quit(),
      rule('quit-if-not-enough'),
    ],
    [
      'unmet',
      'a breach names its own requirement',
      clear().command('EHLO a.test', early),
      { ...rule('nothing-pipelined'), requirement: '3207-4-pipelining-last' },
    ],
  ]);
});
