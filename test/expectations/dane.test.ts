/**
 * RFC 7672 §2. Silence is never a pass; what a sender was not told binds it to nothing, and what it
 * could have asked for and did not is its own fault.
 */

import { describe, expect, test } from 'vitest';
import { breachesOf } from '../../harness/model/breaches.ts';
import { qualify } from '../../harness/model/names.ts';
import type { Event } from '../../harness/model/observation.ts';
import type { ShownCertificate } from '../../harness/protocol/dane.ts';
import { type EvidenceBuilder, evidence } from '../evidence.ts';
import { says } from './table.ts';

const OURS = 'ab'.repeat(32);
const THEIRS = 'cd'.repeat(32);
const shown = (key: string): { chain: ShownCertificate[] } => ({
  chain: [{ associations: { '1 1': key }, names: [], inDate: true, isSignedByNext: false }],
});

type Query = Partial<Extract<Event, { kind: 'dns-query' }>>;
const asks = (made: EvidenceBuilder, type: string, name: string, change: Query = {}) =>
  made.see({
    kind: 'dns-query',
    name: qualify(name, 'xw1'),
    type,
    transport: 'udp',
    answer: 'NOERROR 1',
    ad: true,
    ...change,
  });
const MX1 = 'mx1.victim.test';
/** A message under way to a host that DNS leads to, as far as its address. */
const onTheWay = ({ mx = {}, address = {} }: { mx?: Query; address?: Query } = {}) =>
  asks(asks(evidence().step(0).submit(), 'MX', 'victim.test', mx), 'A', MX1, address);
const told = (tlsa = `3 1 1 ${OURS}`, change: Query = {}) =>
  asks(onTheWay(), 'TLSA', `_25._tcp.${MX1}`, { tlsa: [tlsa], ...change });
const untold = (answer: string) =>
  asks(onTheWay(), 'TLSA', `_25._tcp.${MX1}`, { answer, ad: undefined });
const aliasOf = (target: string, change: Query = {}): Query => ({
  target: qualify(target, 'xw1'),
  ...change,
});
/** The same by who asks for aliases, and for the rest at their ends. */
const throughAliases = (link: Query = {}) => {
  const domain = asks(
    asks(evidence().step(0).submit(), 'CNAME', 'victim.test', aliasOf('real.victim.test')),
    'MX',
    'real.victim.test',
  );
  const host = asks(asks(domain, 'CNAME', MX1, { answer: 'NOERROR 0' }), 'A', MX1);
  const records = asks(host, 'CNAME', `_25._tcp.${MX1}`, aliasOf('_dane.victim.test', link));
  return asks(records, 'TLSA', '_dane.victim.test', { tlsa: [`3 1 1 ${OURS}`] });
};
/** TLS with a server that a CA vouches for, of this key. */
const inTls = (made: EvidenceBuilder, key: string) => made.connect().ehlo().tls(shown(key));

describe('dane-enforced', () => {
  says('dane-enforced', [
    ['met', 'told of the records, turned away', told().connect().ehlo().quit().status('deferred')],
    ['met', 'the look-up failed', untold('SERVFAIL').status('deferred')],
    ['met', 'the look-up got no answer', untold('dropped').status('deferred')],
    [
      'met',
      'told in the step before, and turned away in this one',
      told().delivered().step(1).submit().connect().ehlo().quit().status('deferred'),
    ],
    [
      'met',
      'told at the end of the aliases of the domain and of the records, which it followed itself',
      throughAliases().connect().ehlo().quit().status('deferred'),
    ],
    [
      'undecided',
      'told at the end of an alias that was not secure',
      throughAliases({ ad: false }).connect().ehlo().quit().status('deferred'),
    ],
    [
      'unmet',
      'told at the end of aliases, and content in clear',
      throughAliases().connect().ehlo().delivered(),
      { harm: 'clear', requirement: '7672-2.2.3-starttls-commit' },
    ],
    [
      'unmet',
      'told of records that can be used, and returned at once',
      told().connect().ehlo().quit().status('bounced'),
      { harm: 'returned', requirement: '7672-2.2-usable' },
    ],
    [
      'unmet',
      'told of records that cannot be used, and returned at once',
      told(`9 1 1 ${OURS}`).connect().ehlo().quit().status('bounced'),
      { harm: 'returned', requirement: '7672-2.2-unusable' },
    ],
    ['undecided', 'nothing happened', evidence().step(0).submit()],
    [
      'undecided',
      'deferred, and never told',
      onTheWay().connect().ehlo().quit().status('deferred'),
    ],
    ['undecided', 'told, and silent', told().connect().ehlo().quit()],
    [
      'undecided',
      'the records were not secure',
      told(undefined, { ad: false }).connect().ehlo().quit().status('deferred'),
    ],
    [
      'undecided',
      'the way there was not secure',
      asks(onTheWay({ address: { ad: false } }), 'TLSA', `_25._tcp.${MX1}`, {
        tlsa: [`3 1 1 ${OURS}`],
      })
        .connect()
        .ehlo()
        .quit()
        .status('deferred'),
    ],
    ['undecided', 'delivered, and rightly', inTls(told(), OURS).delivered()],
    [
      'unmet',
      'content a day after it was told, and not asked for again',
      inTls(
        inTls(told(), OURS)
          .delivered()
          .see({ kind: 'time-advanced', seconds: 86_400 })
          .step(1)
          .submit(),
        OURS,
      ).delivered(),
      { domain: { dane: true }, harm: 'unheld', actual: /told of TLSA records before/ },
    ],
    [
      'unmet',
      'content in clear',
      told().connect().ehlo().delivered(),
      { harm: 'clear', requirement: '7672-2.2.3-starttls-commit' },
    ],
    [
      'unmet',
      'content to a server of another key, whoever vouches for it',
      inTls(told(), THEIRS).delivered(),
      { harm: 'content', requirement: 'own' },
    ],
    [
      'unmet',
      'content after a look-up that failed',
      inTls(untold('SERVFAIL'), OURS).delivered(),
      { harm: 'content', requirement: '7672-2.1.2-tlsa-error-unreachable' },
    ],
    [
      'unmet',
      'content in clear, with records of which none can be used',
      told(`9 1 1 ${OURS}`).connect().ehlo().delivered(),
      { harm: 'clear', requirement: '7672-2.2.3-starttls-commit' },
    ],
    [
      'unmet',
      'only the envelope',
      inTls(told(), THEIRS).mail().rcpt().quit().status('deferred'),
      { harm: 'envelope' },
    ],
    [
      'unmet',
      'bounced at once',
      told().connect().ehlo().quit().status('bounced'),
      { harm: 'returned' },
    ],
  ]);
});

describe('breaches', () => {
  const found = (made: EvidenceBuilder) =>
    breachesOf(made.observations).map(({ requirement }) => requirement);

  test('TLS is enough where no record can be used', () => {
    expect(found(inTls(told(`9 1 1 ${OURS}`), THEIRS).delivered())).toEqual([]);
  });

  test('none without a secure way to the host', () => {
    const way = onTheWay({ mx: { ad: false } });
    const made = asks(way, 'TLSA', `_25._tcp.${MX1}`, { tlsa: [`3 1 1 ${OURS}`] });
    expect(found(made.connect().ehlo().delivered())).toEqual([]);
  });

  test('somebody else in the server asks, and not about DNSSEC', () => {
    const made = asks(told(), 'A', MX1, { ad: undefined });
    expect(found(inTls(made, THEIRS).delivered())).toContain('7672-3.2-auth');
  });

  test('a later answer takes the place of the one that failed', () => {
    const made = asks(untold('SERVFAIL'), 'TLSA', `_25._tcp.${MX1}`, { tlsa: [`3 1 1 ${OURS}`] });
    expect(found(inTls(made, OURS).delivered())).toEqual([]);
  });

  test('told only once it has connected, and before it sends', () => {
    const connected = onTheWay().connect().ehlo().tls(shown(THEIRS));
    const made = asks(connected, 'TLSA', `_25._tcp.${MX1}`, { tlsa: [`3 1 1 ${OURS}`] });
    expect(found(made.delivered())).toContain('7672-3.2-auth');
  });

  test('told before it uses a connection again', () => {
    const first = inTls(onTheWay(), THEIRS).delivered();
    expect(found(first)).toEqual([]);
    const again = asks(first.step(1).submit(), 'TLSA', `_25._tcp.${MX1}`, {
      tlsa: [`3 1 1 ${OURS}`],
    });
    expect(found(again.delivered())).toContain('7672-3.2-auth');
  });

  test('told once the message is out', () => {
    const made = inTls(onTheWay(), THEIRS).delivered();
    const later = asks(made, 'TLSA', `_25._tcp.${MX1}`, { tlsa: [`3 1 1 ${OURS}`] });
    expect(found(later)).toEqual([]);
  });

  test('who passes DANE need not fear a policy, and who fails is not saved by one', () => {
    const primed = (key: string, authenticated: boolean) => {
      const made = evidence().primed().step(1).submit();
      const way = asks(asks(made, 'MX', 'victim.test'), 'A', MX1);
      const asked = asks(way, 'TLSA', `_25._tcp.${MX1}`, { tlsa: [`3 1 1 ${OURS}`] });
      return asked
        .connect()
        .ehlo()
        .tls({ ...shown(key), authenticated })
        .delivered();
    };
    expect(found(primed(OURS, false))).toEqual([]);
    expect(new Set(found(primed(THEIRS, true)))).toEqual(new Set(['7672-3.2-auth']));
    expect(new Set(found(primed(THEIRS, false)))).toEqual(new Set(['7672-3.2-auth']));
  });

  test('an alias: the records at its end, for the host that the sender comes to', () => {
    const made = asks(evidence().step(0).submit(), 'MX', 'victim.test');
    const way = asks(made, 'A', 'alias.victim.test', { target: qualify(MX1, 'xw1') });
    const asked = asks(way, 'TLSA', `_25._tcp.${MX1}`, { tlsa: [`3 1 1 ${OURS}`] });
    expect(found(inTls(asked, THEIRS).delivered())).toContain('7672-3.2-auth');
  });
});

describe('tlsa-queried', () => {
  says('tlsa-queried', [
    ['met', 'after the address', told().connect()],
    ['unmet', 'not at all', onTheWay().connect()],
    ['undecided', 'the sender never came so far', evidence().step(0).submit()],
    ['undecided', 'the sender did not connect', onTheWay()],
    [
      'unmet',
      'before the address',
      asks(
        asks(evidence().step(0).submit(), 'TLSA', `_25._tcp.${MX1}`, { tlsa: [`3 1 1 ${OURS}`] }),
        'A',
        MX1,
      ).connect(),
    ],
    ['met', 'never, as wanted', onTheWay().connect(), { options: { never: true } }],
    ['unmet', 'asked where it must not', told().connect(), { options: { never: true } }],
  ]);
});

describe('delivered over DANE', () => {
  const options = { channel: 'dane' };
  says('delivered', [
    ['met', 'a record vouches for the server', inTls(told(), OURS).delivered(), { options }],
    ['unmet', 'none was asked for', inTls(onTheWay(), OURS).delivered(), { options }],
    ['unmet', 'another key', inTls(told(), THEIRS).delivered(), { options }],
  ]);
});
