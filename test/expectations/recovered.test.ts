/** RFC 5321 §4.5.4.1: with the fault healed, what was queued arrives; and not in clear. */

import { qualify } from '../../harness/model/names.ts';
import { type EvidenceBuilder, evidence } from '../evidence.ts';
import { attacked, says } from './table.ts';

const waiting = () => attacked().turnsAway().status('deferred').step(2);
const TLSA = '_25._tcp.mx1.victim.test';
const asks = (made: EvidenceBuilder, type: string, name: string, answer = 'NOERROR 1') =>
  made.see({
    kind: 'dns-query',
    name: qualify(name, 'xw1'),
    type,
    transport: 'udp',
    answer,
    ...(answer !== 'SERVFAIL' && { ad: true }),
  });
/** On its way to a host whose TLSA records cannot be had. */
const fails = (made: EvidenceBuilder) =>
  asks(asks(asks(made, 'MX', 'victim.test'), 'A', 'mx1.victim.test'), 'TLSA', TLSA, 'SERVFAIL');
const untold = () => fails(evidence().step(1).submit()).status('deferred');
const listing = (tokens: readonly string[]) => ({ kind: 'queue-listed', tokens }) as const;

says('recovered', [
  ['met', 'it arrived', waiting().mx().connect().ehlo().tls().delivered().status('delivered')],
  ['met', 'all had arrived before', attacked().leaks().status('delivered').step(2)],
  ['undecided', 'there never was a message', evidence().step(0).step(1)],
  ['undecided', 'silence', waiting()],
  ['undecided', 'still queued, and not tried', waiting().see(listing(['hfa00000000002']))],
  ['undecided', 'deferred again without a connection', waiting().status('deferred')],
  [
    'undecided',
    'deferred again, and only its own MX was met',
    waiting().connect('mx.sender.test').status('deferred'),
  ],
  [
    'unmet',
    'deferred again',
    waiting().mx().connect().ehlo().status('deferred'),
    { requirement: '8461-5-transient', harm: 'none' },
  ],
  [
    'undecided',
    'the queue run took another message of the domain, and left this one',
    attacked()
      .submit()
      .turnsAway()
      .status('deferred')
      .step(2)
      .mx()
      .connect()
      .ehlo()
      .tls()
      .delivered()
      .status('delivered')
      .see({ kind: 'sender-status', token: 'hfa00000000002', status: 'deferred', detail: 'later' }),
    { actual: /not retried/ },
  ],
  [
    'unmet',
    'deferred by the MX look-up again, though mail of another domain went out',
    evidence()
      .primed()
      .step(1)
      .submit('other.test')
      .status('deferred')
      .submit()
      .turnsAway()
      .status('deferred')
      .step(2)
      .mx('other.test')
      .connect('mx.other.test')
      .ehlo()
      .rcpt('hfa00000000002@other.test')
      .mx()
      .status('deferred'),
    { actual: /still deferred/ },
  ],
  [
    'unmet',
    'one is put off again, and the other is gone: the worse is told',
    attacked()
      .submit()
      .turnsAway()
      .status('deferred')
      .step(2)
      .mx()
      .connect()
      .ehlo()
      .see({ kind: 'sender-status', token: 'hfa00000000002', status: 'deferred', detail: 'later' })
      .see(listing(['hfa00000000002'])),
    { harm: 'mail-lost' },
  ],
  [
    'unmet',
    'neither here nor there',
    waiting().see(listing([])),
    { harm: 'mail-lost', actual: /neither/ },
  ],
  [
    'undecided',
    'between two places of the queue as that was listed first',
    waiting()
      .see({ kind: 'queue-flushed' })
      .see(listing([]))
      .see(listing(['hfa00000000002'])),
  ],
  [
    'unmet',
    'not there whenever the queue was listed, since that was run',
    waiting()
      .see(listing(['hfa00000000002']))
      .see({ kind: 'queue-flushed' })
      .see(listing([]))
      .see(listing([])),
    { harm: 'mail-lost' },
  ],
  [
    'undecided',
    'still deferred, and the TLSA records that could not be had were not asked for again',
    asks(asks(untold().step(2), 'MX', 'victim.test'), 'A', 'mx1.victim.test').status('deferred'),
    { actual: /was not asked for again/ },
  ],
  [
    'unmet',
    'still deferred, and the look-up of the TLSA records fails still',
    fails(untold().step(2)).status('deferred'),
    { actual: /still deferred, though/ },
  ],
  [
    'unmet',
    'bounced in the step before',
    attacked().turnsAway().status('bounced').step(2),
    { requirement: '8461-5-transient', harm: 'none' },
  ],
  [
    'unmet',
    'bounced for want of an answer of the DNS, not by the policy',
    attacked().unanswered('SERVFAIL').status('bounced').step(2),
    { requirement: 'own' },
  ],
  [
    'unmet',
    'bounced since there is no such domain, as the policy was not asked',
    attacked().unanswered('NXDOMAIN').status('bounced').step(2),
    { requirement: '8461-5-transient' },
  ],
  [
    'unmet',
    'bounced now',
    waiting().dsn('failed').status('bounced'),
    { requirement: 'own', harm: 'returned' },
  ],
  [
    'unmet',
    'bounced now, without a look for a new policy',
    waiting().later().dsn('failed').status('bounced'),
    { requirement: '8461-5-recheck-before-bounce', harm: 'returned' },
  ],
  [
    'undecided',
    'a warning of delay is no bounce',
    waiting()
      .dsn('delayed')
      .see(listing(['hfa00000000002'])),
  ],
  [
    'unmet',
    'in clear, by a sender that remembers "no TLS here"',
    waiting().leaks().status('delivered'),
    { harm: 'clear', actual: /in clear/, requirement: '8461-4-check-all' },
  ],
  [
    'met',
    'in clear, the domain having left MTA-STS',
    attacked()
      .turnsAway()
      .status('deferred')
      .step(2, 'main', { mode: 'none' })
      .txt()
      .fetch()
      .leaks(),
  ],
  [
    'met',
    'in clear, the domain having left MTA-STS by a file of its own',
    attacked()
      .turnsAway()
      .status('deferred')
      .step(2, 'main', { text: 'version: STSv1\nmode: none\nmax_age: 60\n' })
      .txt()
      .fetch()
      .leaks(),
  ],
  [
    'met',
    'in clear, without a policy',
    evidence().step(0).submit().status('deferred').step(1).leaks(),
  ],
]);
