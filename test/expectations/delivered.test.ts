/** Arrival, and over which channel. */

import { evidence } from '../evidence.ts';
import { attacked, cold, says } from './table.ts';

/**
 * After a prime step, the domain has published another policy, and the sender asks for no record.
 */
const republished = () => evidence().primed().step(1, 'main', { id: 'second' }).submit();
const secure = () => cold().txt().fetch().mx().connect().ehlo().tls();

says('delivered', [
  ['met', 'in clear, where any channel will do', cold().leaks().status('delivered')],
  [
    'met',
    'over any TLS',
    cold().mx().connect().ehlo().tls({ authenticated: false }).delivered(),
    { options: { channel: 'tls' } },
  ],
  [
    'met',
    'over better TLS than was asked for',
    secure().delivered(),
    { options: { channel: 'tls' } },
  ],
  [
    'met',
    'over authenticated TLS',
    secure().delivered(),
    { options: { channel: 'authenticated' } },
  ],
  ['met', 'through the MX asked for', secure().delivered(), { options: { mx: 'MX1.victim.test' } }],
  ['unmet', 'through another MX', secure().delivered(), { options: { mx: 'mx2.victim.test' } }],
  [
    'unmet',
    'in clear, where TLS was asked for',
    cold().leaks(),
    { options: { channel: 'tls' }, harm: 'none' },
  ],
  [
    'unmet',
    'over TLS, where clear text was asked for',
    secure().delivered(),
    { options: { channel: 'plain' } },
  ],
  [
    'unmet',
    'in clear, by a sender that holds the policy',
    attacked().leaks(),
    { options: { channel: 'authenticated' }, harm: 'clear' },
  ],
  [
    'unmet',
    'in clear, before there was a policy',
    cold().leaks().fetch(),
    { options: { channel: 'authenticated' }, harm: 'none' },
  ],
  [
    'unmet',
    'deferred',
    cold().turnsAway().status('deferred', '4.7.5 no TLS'),
    { actual: /^deferred: 4\.7\.5/, harm: 'none' },
  ],
  ['unmet', 'bounced', cold().turnsAway().status('bounced'), { harm: 'returned' }],
  [
    'unmet',
    'deferred by the cached policy, where the domain has published another',
    republished().turnsAway().status('deferred'),
    { requirement: 'own' },
  ],
  [
    'unmet',
    'bounced by the cached policy, where the domain has published another',
    republished().turnsAway().status('bounced'),
    { requirement: '5321-4.5.4.1-queue', harm: 'returned' },
  ],
  [
    'unmet',
    'deferred, the cached policy being what is published',
    attacked().turnsAway().status('deferred'),
  ],
  ['unmet', 'returned by a DSN', cold().turnsAway().dsn('failed'), { harm: 'returned' }],
  ['undecided', 'nothing was seen', cold()],
  ['undecided', 'the sender says so, and nothing arrived', cold().status('delivered')],
  [
    'undecided',
    'content was swallowed by the path',
    cold().connect().ehlo().mail().rcpt().data().status('delivered'),
  ],
  ['met', 'after a deferral in the same step', cold().turnsAway().status('deferred').leaks()],
  [
    'met',
    'under a null reverse-path',
    cold().connect().ehlo().mail('').rcpt().data().accepted({ mailFrom: '' }),
  ],
  [
    'undecided',
    'some other mail about the message arrived',
    cold()
      .connect()
      .ehlo()
      .mail()
      .rcpt()
      .data()
      .accepted({ rcptTo: ['postmaster@victim.xw1.test'] }),
  ],
  ['unmet', 'one of two messages', cold().leaks().submit().turnsAway().status('deferred')],
  ['met', 'both of two', cold().leaks().submit().leaks()],
]);
