/**
 * `policy-fetched`, `policy-not-fetched` and `policy-request`: what the sender asked of policy
 * hosts.
 */

import { describe, expect, test } from 'vitest';
import { viewStep } from '../../harness/model/evidence.ts';
import type { Step } from '../../harness/model/scenario.ts';
import {
  type EvidenceBuilder,
  expectations,
  scenarioOf,
  send,
  trialOf,
  vocabulary,
} from '../evidence.ts';
import { attacked, cold, says } from './table.ts';

const FAILED = { status: 500 };

describe('policy-fetched', () => {
  says('policy-fetched', [
    ['met', 'whole, over authenticated HTTPS', cold().txt().fetch()],
    ['unmet', 'nothing was asked for', cold().leaks(), { actual: /neither/ }],
    ['undecided', 'nothing was seen of the message', cold()],
    ['undecided', 'it was put off, and not tried', cold().status('deferred')],
    ['unmet', 'it was returned, and not tried', cold().status('bounced'), { actual: /neither/ }],
    [
      'unmet',
      'in an earlier step, and the sender keeps to that',
      attacked().turnsAway(),
      { actual: /neither/ },
    ],
    [
      'unmet',
      'only the record was asked for',
      cold().txt(),
      { actual: /TXT record was asked for/ },
    ],
    ['unmet', 'an error page', cold().txt().fetch({ status: 500 })],
    ['unmet', 'half of it', cold().txt().fetch({ complete: false })],
    ['unmet', 'from a host that proved nothing', cold().txt().fetch({ authenticated: false })],
    ['unmet', 'that of another domain', cold().txt().fetch({ host: 'mta-sts.attacker.test' })],
    ['unmet', 'another page', cold().txt().fetch({ path: '/robots.txt' })],
  ]);

  test('undecided when it came late', () => {
    const made = cold().txt().step(1).fetch();
    const view = viewStep(trialOf(made, scenarioOf([send(), send()])), 0);
    expect(expectations.get('policy-fetched')!.judge(view, {})).toMatchObject({
      status: 'undecided',
      because: [3, 5],
    });
  });

  test('unmet when it came with another look at the record, and proves nothing without the control', () => {
    const made = cold().txt().step(1).txt().fetch();
    const view = viewStep(trialOf(made, scenarioOf([send(), send()])), 0);
    expect(expectations.get('policy-fetched')!.judge(view, {})).toMatchObject({
      status: 'unmet',
      actual: expect.stringContaining('before it was asked for anew'),
      standsAlone: false,
    });
  });

  // RFC 8461 §3.3
  test.each<[string, string, object, (made: EvidenceBuilder) => EvidenceBuilder]>([
    ['unobserved', 'a fetch had just failed', { status: 500 }, (made) => made.fetch(FAILED)],
    ['unobserved', 'none had come', { status: 500 }, (made) => made.fetch({ body: 'hello' })],
    ['unmet', 'it had failed by itself', {}, (made) => made.fetch(FAILED)],
    ['unmet', 'it had failed long before', { status: 500 }, (made) => made.fetch(FAILED).later()],
    ['unmet', 'a fetch had just been good', { status: 500 }, (made) => made.fetch()],
    ['unmet', 'no fetch had been tried', { status: 500 }, (made) => made],
  ])('%s where %s, and the record alone was asked for', (status, _, options, before) => {
    const made = before(cold().txt()).step(1).txt();
    const name = 'status' in options ? 'policy-status' : 'strip-starttls';
    const under = [{ name, options: vocabulary.attacks.get(name)!.options.parse(options) }];
    const scenario = scenarioOf([{ ...send(), under } as Step, send()]);
    const view = viewStep(trialOf(made, scenario), 1);
    expect(expectations.get('policy-fetched')!.judge(view, {}).status).toBe(status);
  });

  test('undecided where the policy host was called in this step, and answered in the next', () => {
    const made = cold().txt().policyTls().step(1).txt().fetch();
    const view = viewStep(trialOf(made, scenarioOf([send(), send()])), 0);
    expect(expectations.get('policy-fetched')!.judge(view, {}).status).toBe('undecided');
  });
});

describe('policy-not-fetched', () => {
  says('policy-not-fetched', [
    ['met', 'the record was looked up, and that was all', cold().txt()],
    ['unmet', 'asked for', cold().txt().fetch({ status: 404 })],
    ['undecided', 'the record was never looked up', cold()],
    ['undecided', "the sender's own record was looked up", cold().txt('_mta-sts.sender.test')],
  ]);
});

describe('policy-request', () => {
  const never = (kind: string) => ({ options: { never: kind } });
  says('policy-request', [
    ['met', 'nothing but the policy', cold().fetch(), never('other-path')],
    [
      'met',
      'the port spelled out in Host',
      cold().fetch({ hostHeader: 'mta-sts.victim.test:443' }),
      never('other-path'),
    ],
    ['unmet', 'another path', cold().fetch({ path: '/other' }), never('other-path')],
    [
      'unmet',
      'another host',
      cold().fetch({ host: 'mta-sts.attacker.test', hostHeader: 'mta-sts.attacker.test' }),
      never('other-path'),
    ],
    ['unmet', 'no Host', cold().fetch({ hostHeader: '' }), never('other-path')],
    ['met', 'no plain HTTP', cold().policyTls({ result: 'failed' }), never('http')],
    [
      'undecided',
      'no request, by a sender that keeps to its cached policy',
      attacked().mx().connect(),
      never('http'),
    ],
    [
      'undecided',
      'no request, by a sender that holds a policy and sends nothing',
      attacked(),
      never('http'),
    ],
    [
      'undecided',
      'no request, by a sender that looked and held a policy',
      attacked().txt().mx().connect(),
      never('http'),
    ],
    ['unmet', 'plain HTTP', cold().fetch({ scheme: 'http' }), never('http')],
    ['undecided', 'never near the policy host', cold().txt(), never('http')],
    ['met', 'GET', cold().fetch(), never('other-method')],
    ['unmet', 'POST', cold().fetch({ method: 'POST' }), never('other-method')],
    ['met', 'unconditional', cold().fetch(), never('conditional')],
    ['unmet', 'conditional', cold().fetch({ conditional: true }), never('conditional')],
    ['met', 'none of any kind', cold().txt(), never('any')],
    ['unmet', 'any', cold().fetch(), never('any')],
    ['undecided', 'none of any kind, by a sender that did nothing', cold(), never('any')],
    ['met', 'within bounds', cold().fetch(), { options: { atLeast: 1, atMost: 1 } }],
    ['unmet', 'too many', cold().fetch().fetch(), { options: { atMost: 1 } }],
    ['undecided', 'never near the policy host', cold(), { options: { atLeast: 1 } }],
    ['unmet', 'too few', cold().txt().fetch(), { options: { atLeast: 2 } }],
    [
      'met',
      'of that host alone',
      cold().fetch().fetch({ host: 'mta-sts.attacker.test' }),
      { options: { host: 'mta-sts.victim.test', atMost: 1 } },
    ],
  ]);
});
