/**
 * `deferred`, `bounced`, `looked-again` and `not-bounced`: what became of mail that did not arrive.
 */

import { describe, expect, test } from 'vitest';
import { outcomeOf, viewStep } from '../../harness/model/evidence.ts';
import { qualify } from '../../harness/model/names.ts';
import { CAPABILITIES } from '../../harness/model/sender.ts';
import {
  type EvidenceBuilder,
  evidence,
  expectations,
  scenarioOf,
  send,
  trialOf,
} from '../evidence.ts';
import { attacked, cold, says } from './table.ts';

const withoutDsn = CAPABILITIES.filter((capability) => capability !== 'dsn');

const asksForAlias = (made: EvidenceBuilder, answer: string) =>
  made.see({
    kind: 'dns-query',
    name: qualify('victim.test', 'xw1'),
    type: 'CNAME',
    transport: 'udp',
    answer,
  });

describe('deferred', () => {
  says('deferred', [
    ['met', 'the sender says so', cold().mx().status('deferred')],
    [
      'met',
      'whether the domain is an alias could not be looked up, and so the MX was not asked for',
      asksForAlias(cold(), 'SERVFAIL').status('deferred'),
    ],
    ['undecided', 'never near an MX', cold().status('deferred')],
    [
      'undecided',
      'never near an MX, though the domain is no alias',
      asksForAlias(cold(), 'NOERROR 0').status('deferred'),
    ],
    ['undecided', 'silence', cold()],
    ['undecided', 'no message', evidence().step(0)],
    ['unmet', 'delivered', cold().leaks()],
    ['unmet', 'bounced: returned, and so not lost', cold().status('bounced'), { harm: 'returned' }],
    ['met', 'with a warning of delay', cold().mx().status('deferred').dsn('delayed')],
  ]);
});

describe('bounced', () => {
  says('bounced', [
    ['met', 'the sender says so', cold().status('bounced')],
    ['met', 'a DSN came home', cold().dsn('failed'), { options: { dsn: true }, actual: /DSN/ }],
    [
      'unmet',
      'no DSN came home',
      cold().status('bounced'),
      { options: { dsn: true }, harm: 'mail-lost' },
    ],
    [
      'unmet',
      'a DSN came home that says "delayed"',
      cold().dsn('delayed').status('bounced'),
      { options: { dsn: true } },
    ],
    [
      'unsupported',
      'no DSN is declared',
      cold().status('bounced'),
      { options: { dsn: true }, capabilities: withoutDsn },
    ],
    ['unmet', 'delivered', cold().leaks()],
    ['undecided', 'still queued: RFC 5321 sets no upper bound', cold().status('deferred')],
    ['undecided', 'silence', cold()],
  ]);
});

describe('not-bounced', () => {
  says('not-bounced', [
    ['met', 'deferred', cold().status('deferred')],
    ['met', 'delivered', cold().leaks()],
    ['met', 'deferred, with a warning of delay', attacked().status('deferred').dsn('delayed')],
    [
      'met',
      'delivered before the step, as time passed',
      attacked().status('deferred').step(2).connect().ehlo().tls().delivered().step(3),
    ],
    ['undecided', 'no message so far', evidence().step(0)],
    ['unmet', 'the sender says so', cold().status('bounced'), { harm: 'none' }],
    ['unmet', 'a DSN came home', cold().dsn('failed')],
    ['undecided', 'silence', cold()],
  ]);
});

describe('looked-again', () => {
  const again = () => attacked().turnsAway().status('deferred').step(2);
  says('looked-again', [
    ['met', 'looked up, then bounced', again().txt().turnsAway().status('bounced')],
    ['met', 'looked up minutes before', again().turnsAway().status('bounced')],
    ['unmet', 'bounced', again().later().turnsAway().status('bounced'), { isMinor: false }],
    [
      'unmet',
      'given up for its age: the record was looked up in an earlier step, for the last try',
      evidence().primed().step(1).submit().txt().step(2).later().status('bounced'),
      { isMinor: true },
    ],
    [
      'unmet',
      'given up for its age, and the last try had not looked either',
      evidence().primed().step(1).submit().turnsAway().step(2).later().status('bounced'),
      { isMinor: false },
    ],
    ['unmet', 'looked up after the bounce', again().later().status('bounced').txt()],
    [
      'unmet',
      "the DSN made the sender look up its own domain, not the recipient's",
      again().later().turnsAway().dsn('failed').status('bounced'),
    ],
    ['undecided', 'still queued', again().txt().status('deferred')],
    ['undecided', 'delivered', again().txt().leaks()],
    ['undecided', 'silence', again().txt()],
  ]);
});

describe('which notice is a bounce', () => {
  const outcome = (made: ReturnType<typeof cold>) =>
    outcomeOf(made.observations, made.token()).kind;
  test.each([
    ['bounced', 'an action of failed', cold().dsn('failed').status('deferred')],
    ['deferred', 'an action of delayed', cold().status('deferred').dsn('delayed')],
    ['pending', 'an action of relayed', cold().dsn('relayed')],
    ['bounced', 'no action at all', cold().dsn()],
    ['deferred', 'no action, which may be a warning of delay', cold().status('deferred').dsn()],
    ['deferred', 'no action, and deferred again after it', cold().dsn().status('deferred')],
    ['delivered', 'a notice, and the message arrived in the end', cold().dsn('failed').leaks()],
    [
      'pending',
      'a notice that came to somebody else',
      cold()
        .connect()
        .accepted({ mailFrom: '', rcptTo: ['x@victim.xw1.test'] }),
    ],
  ])('%s: %s', (kind, _what, made) => expect(outcome(made)).toBe(kind));

  test('the DSN that is wanted may come after the step', () => {
    const judge = (made: EvidenceBuilder) => {
      const view = viewStep(trialOf(made, scenarioOf([send(), send()])), 0);
      return expectations.get('bounced')!.judge(view, { dsn: true }).status;
    };
    expect(judge(cold().status('bounced').step(1).dsn('failed'))).toBe('met');
    expect(judge(cold().status('bounced').step(1).dsn('delayed'))).toBe('unmet');
  });
});
