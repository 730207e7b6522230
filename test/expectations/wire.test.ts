/**
 * `contacted`, `dns-queried`, `command-parameters`, `sni` and `starttls-clean`: what was said on
 * the wire.
 */

import { describe } from 'vitest';
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

describe('starttls-clean', () => {
  const rule = (name: string) => ({ options: { rule: name } });
  const clear = () => cold().connect().ehlo().command('STARTTLS');
  const inside = { secure: true, authenticated: true };
  const early = { early: true };
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
    [
      'unmet',
      'a breach names its own requirement',
      clear().command('EHLO a.test', early),
      { ...rule('nothing-pipelined'), requirement: '3207-4-pipelining-last' },
    ],
  ]);
});
