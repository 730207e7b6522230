/**
 * A policy that comes while an attempt is under way binds from the next attempt on (RFC 8461 §5.1):
 * what is surely a new one, and of what nobody knows.
 */

import { expect, test } from 'vitest';
import { breachesOf } from '../../harness/model/breaches.ts';
import { type EvidenceBuilder, evidence } from '../evidence.ts';

/** An attempt in vain, and the policy comes meanwhile. */
const inVain = (made: EvidenceBuilder) =>
  made.txt().mx().connect().ehlo().tls({ result: 'failed' }).fetch();
const begun = () => inVain(evidence().step(0).submit());
/** The same with a message that was there before, to this domain, and may be on its way still. */
const besideAnother = (to?: string) => inVain(evidence().step(0).submit(to).submit());
const settled = (to: string) =>
  evidence().step(0).submit(to).mx(to).connect(`mx.${to}`).ehlo().delivered().status('delivered');
const listed = (made: EvidenceBuilder, nth: number) =>
  made.see({ kind: 'queue-listed', tokens: [made.token(nth)] });
/** Two messages that were there before the connection; MAIL and RCPT of the first. */
const twoAtOnce = () => {
  const made = evidence().step(0).submit().submit().txt().mx().connect().ehlo().mail();
  return made.rcpt(`${made.token(0)}@victim.test`);
};
/** A message went by before there was a policy, and the connection stays open. */
const kept = () => evidence().step(0).submit().connect().ehlo().delivered().status('delivered');
const inClear = (made: EvidenceBuilder, mx?: string) => made.connect(mx).ehlo().delivered();

test.each<[string, string, EvidenceBuilder]>([
  ['no', 'the same attempt', inClear(begun())],
  ['no', 'the same attempt, at the next host', inClear(begun(), 'mx2.victim.test')],
  [
    'no',
    'put off at one host, and on to the next',
    inClear(begun().status('deferred'), 'mx2.victim.test'),
  ],
  ['yes', 'put off, and at the same host again', inClear(begun().status('deferred'))],
  ['maybe', 'the MX was looked up again', inClear(begun().mx())],
  ['yes', 'the queue was run', inClear(begun().see({ kind: 'queue-flushed' }))],
  ['maybe', 'it was seen in the queue', inClear(listed(begun(), -1))],
  [
    'yes',
    'a day has passed',
    inClear(begun().see({ kind: 'time-advanced', seconds: 86_400 }), 'mx2.victim.test'),
  ],
  ['yes', 'a restart', inClear(begun().see({ kind: 'sender-restarted' }), 'mx2.victim.test')],
  ['yes', 'another step', inClear(begun().step(1))],
  ['yes', 'another message', inClear(begun().submit())],
  [
    'yes',
    'another message, over a connection that is older than the policy',
    evidence()
      .step(0)
      .submit()
      .txt()
      .mx()
      .connect()
      .ehlo()
      .fetch()
      .delivered()
      .submit()
      .delivered(),
  ],
  [
    'yes',
    'the first message over a connection that was opened before it was there',
    evidence().step(0).txt().connect().ehlo().fetch().submit().delivered(),
  ],
  [
    'maybe',
    'over a connection that was open before, and the policy came for this very message',
    kept().submit().txt().fetch().delivered(),
  ],
  [
    'maybe',
    'over a connection that was open before, for a message that was there',
    twoAtOnce().data().accepted().fetch().mail().rcpt().data().accepted(),
  ],
  [
    'maybe',
    'over a connection whose first message was on its way as the policy came',
    twoAtOnce().fetch().data({ tokens: [] }).mail().rcpt().data().accepted(),
  ],
  [
    'yes',
    'over a connection that was kept, as the queue is run again',
    begun()
      .connect()
      .ehlo()
      .mail()
      .rcpt()
      .command('RSET')
      .status('deferred')
      .fetch()
      .see({ kind: 'queue-flushed' })
      .mail()
      .rcpt()
      .data(),
  ],
  [
    'maybe',
    'over a connection that was open as the queue was run, and not used yet',
    begun().connect().ehlo().fetch().see({ kind: 'queue-flushed' }).delivered(),
  ],
  [
    'no',
    'put off, in a line that comes late, when the next try is under way',
    evidence()
      .step(0)
      .submit()
      .txt()
      .mx()
      .connect()
      .ehlo()
      .quit()
      .connect()
      .ehlo()
      .fetch()
      .status('deferred')
      .delivered(),
  ],
  ['no', 'MAIL again, after RSET', begun().connect().ehlo().mail().command('RSET').delivered()],
  [
    'no',
    'MAIL after VRFY',
    (() => {
      const made = evidence().step(0).submit().txt().mx().connect().ehlo().fetch();
      return made.command(`VRFY ${made.token()}@victim.test`).delivered();
    })(),
  ],
  [
    'maybe',
    'put off, in what may be a late line of the attempt before the queue was run',
    inClear(inVain(evidence().step(0).submit().see({ kind: 'queue-flushed' })).status('deferred')),
  ],
  ['no', 'beside another message', inClear(besideAnother())],
  ['maybe', 'the MX was looked up again, for the one or the other', inClear(besideAnother().mx())],
  ['no', 'the other was seen in the queue', inClear(listed(besideAnother(), -2))],
  [
    'maybe',
    'the first connection may have been for another domain',
    inClear(besideAnother('other.test')),
  ],
  [
    'no',
    'the other domain had got its message before',
    inClear(inVain(settled('other.test').submit())),
  ],
])('%s: %s', (bound, _, made) => {
  const content = breachesOf(made.observations).filter(({ part }) => part.kind === 'smtp-data');
  const words = content.map(({ doubt }) => (doubt === undefined ? 'yes' : 'maybe'));
  expect(words).toEqual(bound === 'no' ? [] : [bound]);
});

test('MAIL that names nobody is no older than the messages that it may be of', () => {
  const made = kept().txt().fetch().later().submit().mail();
  expect(breachesOf(made.observations)).toMatchObject([{ part: { verb: 'MAIL' } }]);
  expect(breachesOf(made.observations)[0]).not.toHaveProperty('doubt');
});
