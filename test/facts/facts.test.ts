/**
 * Facts: what a sender does where the RFCs leave a point open, by hand-made evidence; and that none
 * of them changes a grade.
 */

import { describe, expect, test } from 'vitest';
import { judge } from '../../harness/judge/judge.ts';
import type { Step } from '../../harness/model/scenario.ts';
import type { Verdict } from '../../harness/model/verdict.ts';
import {
  type EvidenceBuilder,
  evidence,
  prime,
  scenarioOf,
  send,
  trialOf,
  use,
  vocabulary,
} from '../evidence.ts';

const observing = (...observe: readonly string[]): Step => ({
  ...(send(use('not-bounced')) as Extract<Step, { kind: 'send' }>),
  observe,
});
const advance: Step = { kind: 'advance', label: 'advance', seconds: 86_400, isOptional: false };

function verdictOf(made: EvidenceBuilder, ...steps: readonly Step[]): Verdict {
  const scenario = scenarioOf(steps, { title: 'An open point' });
  return judge(trialOf(made, scenario), vocabulary.expectations, vocabulary.facts);
}

const seenIn = (made: EvidenceBuilder, ...steps: readonly Step[]) =>
  verdictOf(made, ...steps).facts?.map(({ seen }) => seen);

/** A message that arrives over TLS, on a connection of its own. */
const arrives = (made: EvidenceBuilder, mx?: string) =>
  made.submit().mx().connect(mx).ehlo().tls().delivered().quit();
const first = () => evidence().step(0).submit().txt().fetch();

describe('takes-policy', () => {
  const learned = () => arrives(first()).step(1).submit().txt();
  const seen = (made: EvidenceBuilder) =>
    seenIn(made.health(), send(use('not-bounced')), observing('takes-policy'));
  test('held back, and not without a policy: applied', () => {
    const made = learned().turnsAway().status('deferred').controlled().unprotected('delivered');
    expect(seen(made)).toEqual(['applied']);
  });
  test('held back without a policy too, or nobody knows: nothing', () => {
    const held = () => learned().turnsAway().status('deferred').controlled();
    expect(seen(held())).toBeUndefined();
    expect(seen(held().unprotected('deferred'))).toBeUndefined();
  });
  test('delivered: not applied, fetched or not', () => {
    expect(seen(learned().leaks().controlled())).toEqual(['fetched, and not applied']);
    const unfetched = arrives(evidence().step(0)).step(1).submit().txt().leaks().controlled();
    expect(seen(unfetched)).toEqual(['not fetched, and not applied']);
  });
  test('fetched only now, or the record not looked at: nothing', () => {
    const late = arrives(evidence().step(0)).step(1).submit().txt().fetch().leaks().controlled();
    expect(seen(late)).toBeUndefined();
    const blind = arrives(evidence().step(0)).step(1).submit().leaks().controlled();
    expect(seen(blind)).toBeUndefined();
  });
});

describe('refreshes', () => {
  const seen = (made: EvidenceBuilder) =>
    seenIn(
      made.see({ kind: 'time-advanced', seconds: 86_400 }).step(2).submit().leaks().health(),
      prime,
      advance,
      observing('refreshes'),
    );
  test('a fetch while no mail was there', () => {
    expect(seen(evidence().primed().step(1).txt().fetch())).toEqual([
      'fetched again before it expired',
    ]);
  });
  test('no fetch', () => {
    expect(seen(evidence().primed().step(1))).toEqual(['not seen to be fetched again']);
  });
});

describe('several messages', () => {
  const eight = (host: (nth: number) => string | undefined) =>
    Array.from({ length: 8 }).reduce<EvidenceBuilder>(
      (made, _, nth) => arrives(made, host(nth)),
      evidence().step(0),
    );
  const seen = (made: EvidenceBuilder, fact: string) =>
    seenIn(made.controlled().health(), observing(fact));
  test('to one host, or to several', () => {
    const one = eight(() => undefined);
    const two = eight((nth) => (nth % 2 === 0 ? 'mx1.victim.test' : 'mx2.victim.test'));
    expect(seen(one, 'spreads-mail')).toEqual(['8 messages to 1 host']);
    expect(seen(two, 'spreads-mail')).toEqual(['8 messages to 2 hosts']);
  });
  test('so few that chance may have chosen', () => {
    expect(seen(arrives(arrives(evidence().step(0))), 'spreads-mail')).toBeUndefined();
  });
  test('a connection each, or one for all', () => {
    const each = arrives(arrives(evidence().step(0)));
    const one = evidence().step(0).submit().mx().connect().ehlo().tls().delivered();
    expect(seen(each, 'reuses-connections')).toEqual(['2 messages over 2 connections']);
    expect(seen(one.submit().delivered(), 'reuses-connections')).toEqual([
      '2 messages over 1 connection',
    ]);
  });
});

describe('outcome', () => {
  const seen = (made: EvidenceBuilder) => seenIn(made.controlled().health(), observing('outcome'));
  test('delivered, kept, returned, or not known', () => {
    expect(seen(evidence().step(0).submit().leaks())).toEqual(['delivered']);
    expect(seen(first().turnsAway().status('deferred'))).toEqual(['kept in the queue']);
    expect(seen(first().turnsAway().status('bounced'))).toEqual(['returned']);
    expect(seen(first().turnsAway())).toBeUndefined();
  });
});

describe('in a verdict', () => {
  const made = () => first().turnsAway().status('bounced').controlled();
  test('a fact grades nothing, and has the point and what shows it', () => {
    const steps = observing('outcome');
    const scenario = scenarioOf([steps], { title: 'An open point' });
    const bare = judge(trialOf(made().health(), scenario), vocabulary.expectations);
    const { facts, ...verdict } = verdictOf(made().health(), steps);
    expect(verdict).toEqual(bare);
    expect(facts).toMatchObject([{ fact: 'outcome', step: 0, point: 'An open point' }]);
  });
  test('of a slow lab there are none', () => {
    expect(seenIn(made().health(2000), observing('outcome'))).toBeUndefined();
  });
});
