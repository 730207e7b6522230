/**
 * RFC 8461 §4, §5. Silence is never a pass; a leak is a failure only of a sender that held the
 * policy.
 */

import { describe, expect, test } from 'vitest';
import { viewStep } from '../../harness/model/evidence.ts';
import type { Step } from '../../harness/model/scenario.ts';
import {
  type EvidenceBuilder,
  evidence,
  expectations,
  judged,
  reasons,
  scenarioOf,
  send,
  trialOf,
} from '../evidence.ts';
import { attacked, cold, says } from './table.ts';

/** Tried in vain; the policy came meanwhile. */
const beside = () => cold().txt().mx().connect().ehlo().quit().fetch();
const deferred = () => attacked().txt().turnsAway().status('deferred');

describe('met only with proof', () => {
  says('enforced', [
    ['met', 'the policy is held, the MX was found wanting, the message waits', deferred()],
    [
      'met',
      'the cached policy binds though nothing was asked anew',
      attacked().turnsAway().status('deferred'),
    ],
    ['met', 'learned in this very step', cold().txt().fetch().turnsAway().status('deferred')],
    ['undecided', 'nothing happened at all', attacked(), { actual: /did not say/ }],
    [
      'undecided',
      'no message was ever submitted',
      evidence().primed().step(1),
      { actual: /did not say|no message/ },
    ],
    ['undecided', 'the sender does not say what became of it', attacked().turnsAway()],
    [
      'undecided',
      'the policy was never fetched',
      cold().txt().turnsAway().status('deferred'),
      { actual: /no proof/ },
    ],
    [
      'undecided',
      'the policy came only after the message was deferred',
      cold().txt().turnsAway().status('deferred').fetch(),
    ],
    [
      'undecided',
      'the fetch got an error page',
      cold().txt().fetch({ status: 404 }).turnsAway().status('deferred'),
    ],
    [
      'undecided',
      'the fetch was cut off',
      cold().txt().fetch({ complete: false }).turnsAway().status('deferred'),
    ],
    [
      'undecided',
      'the fetch was from nobody',
      cold().txt().fetch({ authenticated: false }).turnsAway().status('deferred'),
    ],
    [
      'undecided',
      'the fetch was in clear',
      cold().txt().fetch({ scheme: 'http' }).turnsAway().status('deferred'),
    ],
    [
      'undecided',
      "it was the attacker's policy",
      cold().txt().fetch({ host: 'mta-sts.attacker.test' }).turnsAway().status('deferred'),
    ],
    [
      'undecided',
      'it was the policy of another domain',
      cold().txt().fetch({ host: 'mta-sts.other.test' }).turnsAway().status('deferred'),
    ],
    [
      'undecided',
      'the sender never came near the MX',
      attacked().txt().status('deferred'),
      { actual: /never came near/ },
    ],
    [
      'undecided',
      'it looked for the MX of its own domain',
      attacked().mx('sender.test').status('deferred'),
      { actual: /never came near/ },
    ],
    [
      'undecided',
      'it connected to its own MX',
      attacked().connect('mx.sender.test').status('deferred'),
      { actual: /never came near/ },
    ],
    [
      'undecided',
      'the attack did not bite',
      attacked().mx().connect().ehlo().tls().delivered().status('delivered'),
      { actual: /did not bite/ },
    ],
  ]);
});

describe('a deferral without a connection', () => {
  says('enforced', [
    [
      'met',
      'where the fault alone stops no mail',
      attacked().mx().status('deferred').unprotected('delivered'),
    ],
    [
      'met',
      'where the sender, without a policy, comes to the MX and turns away for reasons of its own',
      attacked().mx().status('deferred').unprotected('deferred'),
    ],
    [
      'undecided',
      'where the sender comes to no MX without a policy either',
      attacked()
        .mx()
        .status('deferred')
        .step(1, 'unprotected')
        .submit()
        .mx()
        .status('deferred')
        .step(1),
      { actual: /connected to no MX/ },
    ],
    [
      'undecided',
      'where nobody looked (the queue was run, and the host was not due)',
      attacked().mx().status('deferred'),
    ],
  ]);
});

describe('a leak', () => {
  says('enforced', [
    [
      'unmet',
      'in clear',
      attacked().leaks().status('delivered'),
      { harm: 'clear', actual: /content exposed and delivered in clear through mx1/ },
    ],
    [
      'unmet',
      'over unauthenticated TLS',
      attacked()
        .mx()
        .connect()
        .ehlo()
        .tls({ authenticated: false })
        .delivered()
        .status('delivered'),
      { harm: 'content', actual: /over unauthenticated TLS/ },
    ],
    [
      'unmet',
      'to a host that is not listed, whatever its certificate',
      attacked().mx().connect('mx.attacker.test').ehlo().tls().delivered().status('delivered'),
      { harm: 'content', actual: /does not list/ },
    ],
    [
      'unmet',
      'swallowed by the path, so that it never arrived',
      attacked().mx().connect().ehlo().mail().rcpt().data(),
      { harm: 'clear' },
    ],
    [
      'unmet',
      'of the envelope',
      attacked().mx().connect().ehlo().mail().rcpt().quit().status('deferred'),
      { harm: 'envelope' },
    ],
    [
      'unmet',
      'of MAIL alone, as sendmail does over TLS that it cannot verify',
      attacked()
        .mx()
        .connect()
        .ehlo()
        .tls({ authenticated: false })
        .mail()
        .quit()
        .status('deferred'),
      { harm: 'envelope', actual: /only the envelope/ },
    ],
    [
      'unmet',
      'of content cut off in the middle',
      attacked().mx().connect().ehlo().mail().rcpt().data({ tokens: [] }).status('deferred'),
      { harm: 'clear' },
    ],
    [
      'unmet',
      'through a connection kept from an earlier step',
      evidence().primed().connect().ehlo().step(1).submit().delivered().status('delivered'),
      { harm: 'clear' },
    ],
    [
      'unmet',
      'at the first MX, before the second, good one got it',
      attacked()
        .mx()
        .connect()
        .ehlo()
        .mail()
        .rcpt()
        .quit()
        .connect()
        .ehlo()
        .tls()
        .delivered()
        .status('delivered'),
      { harm: 'envelope', actual: /^only the envelope was exposed$/ },
    ],
    [
      'unmet',
      'by a sender that never asks for policies',
      cold().leaks().status('delivered'),
      { harm: 'unheld', actual: /never asked for _mta-sts/ },
    ],
    [
      'unmet',
      'by a sender that asks only for its own',
      cold().txt('_mta-sts.sender.test').leaks().status('delivered'),
      { harm: 'unheld', actual: /never asked for _mta-sts/ },
    ],
    [
      'unmet',
      'of the recipient alone, by another command than RCPT',
      attacked().txt().mx().connect().ehlo().command(`VRFY ${attacked().token()}@victim.test`),
      { harm: 'envelope' },
    ],
    [
      'unmet',
      'in clear, where what was fetched since is a policy by some readings',
      attacked()
        .fetch({ body: 'version: STSv1\n\nmode: none\nmax_age: 604800\n' })
        .leaks()
        .status('delivered'),
      { harm: 'content', doubt: /by some readings/ },
    ],
    ...['', '\n<html>gone</html>\n', 'max_age: 9999999999\n'].map(
      (body) =>
        [
          'unmet',
          `in clear, after a page that nobody reads as a policy: ${JSON.stringify(body)}`,
          attacked().fetch({ body }).leaks().status('delivered'),
          { harm: 'clear' },
        ] as const,
    ),
    [
      'unmet',
      'in clear, where what was fetched since forbids it by every reading',
      attacked()
        .fetch({ body: 'version: STSv1\nmode: enforce\nmx: mx1.victim.test\n\nmax_age: 604800\n' })
        .leaks()
        .status('delivered'),
      { harm: 'clear' },
    ],
    [
      'undecided',
      'before the policy had come',
      cold().txt().leaks().fetch().status('delivered'),
      { actual: /only after/ },
    ],
    [
      'undecided',
      'on a connection from before the policy',
      cold().txt().mx().connect().ehlo().fetch().delivered().status('delivered'),
    ],
    [
      'undecided',
      'at the second try of an attempt that began before the policy had come',
      beside().connect().ehlo().delivered().status('delivered'),
    ],
    [
      'undecided',
      'at the next host of it',
      beside().connect('mx2.victim.test').ehlo().delivered().status('delivered'),
    ],
    [
      'unmet',
      'in an attempt after it: the queue was run',
      beside().see({ kind: 'queue-flushed' }).connect().ehlo().delivered().status('delivered'),
      { harm: 'clear' },
    ],
    [
      'unmet',
      'in an attempt after it: the message was put off, and the same address called again',
      beside().status('deferred').connect().ehlo().delivered().status('delivered'),
      { harm: 'clear' },
    ],
    [
      'undecided',
      'at the next host of it, each failure logged',
      beside().status('deferred').connect('mx2.victim.test').ehlo().delivered().status('delivered'),
    ],
    [
      'unmet',
      'in what may be an attempt after it: the MX was looked up again',
      beside().leaks().status('delivered'),
      { harm: 'content', doubt: /may have begun before/ },
    ],
    [
      'unmet',
      'after it, beside a connection that may have been for another domain',
      cold()
        .submit('elsewhere.test')
        .mx('elsewhere.test')
        .connect('mx.elsewhere.test')
        .txt()
        .fetch()
        .submit()
        .connect()
        .ehlo()
        .delivered()
        .status('delivered'),
      { harm: 'clear' },
    ],
    [
      'undecided',
      'where the policy was not to be got',
      cold().txt().leaks().status('delivered'),
      { actual: /never got the policy/ },
    ],
  ]);

  test('by a sender that looks only after the step is not that of one which never looks', () => {
    const first = (made: EvidenceBuilder) => {
      const view = viewStep(trialOf(made, scenarioOf([send(), send()])), 0);
      return expectations.get('enforced')!.judge(view, {}).status;
    };
    expect(first(cold().leaks().status('delivered').step(1))).toBe('unmet');
    expect(first(cold().leaks().status('delivered').step(1).txt())).toBe('undecided');
  });

  test('tells the session from the policy to the arrival', () => {
    const made = attacked().leaks().status('delivered');
    expect(reasons(made, judged('enforced', made))).toEqual([
      'policy-request',
      ...[
        'EHLO',
        '250',
        'MAIL',
        '250',
        'RCPT',
        '250',
        'DATA',
        '354',
        'smtp-data',
        'message-accepted',
      ],
    ]);
  });

  test('tells what TLS it was', () => {
    const made = attacked()
      .mx()
      .connect()
      .ehlo()
      .tls({ authenticated: false })
      .mail()
      .quit()
      .status('deferred');
    expect(reasons(made, judged('enforced', made))).toEqual([
      'policy-request',
      ...['EHLO', '250', 'STARTTLS', '220', 'tls-handshake', 'EHLO', '250', 'MAIL', '250'],
    ]);
  });
});

describe('no leak', () => {
  says('enforced', [
    [
      'met',
      'a bare connect in clear, as chasquid does after a failed handshake',
      deferred().connect().ehlo().quit(),
    ],
    [
      'met',
      'a TLSRPT report that is mailed to the attacked domain (RFC 8460 §3)',
      deferred()
        .connect()
        .ehlo()
        .mail('reports@sender.xw1.test')
        .rcpt('tlsrpt@victim.xw1.test')
        .data({ tokens: [] })
        .quit(),
    ],
    [
      'met',
      'a report of its own, once it was asked for one, that got no further than MAIL',
      deferred().reports().connect().ehlo().mail('tlsrpt@sender.test').quit(),
    ],
    [
      'unmet',
      'a message of ours after that, which got no further either',
      deferred().reports().connect().ehlo().mail().quit(),
    ],
    [
      'unmet',
      'and one whose reverse-path the sender has changed',
      deferred().reports().connect().ehlo().mail('bounce+1@sender.xw1.test').quit(),
    ],
    ['met', 'a null reverse-path that names nobody', deferred().connect().ehlo().mail('').quit()],
    ['met', 'a warning of delay to the author', deferred().dsn('delayed')],
  ]);
});

describe('a bounce', () => {
  says('enforced', [
    [
      'unmet',
      'without a look for a new policy',
      attacked().later().turnsAway().status('bounced'),
      { requirement: '8461-5-recheck-before-bounce', harm: 'none' },
    ],
    [
      'unmet',
      'five minutes after a look',
      attacked().turnsAway().status('bounced'),
      { requirement: '8461-5-transient', harm: 'none' },
    ],
    [
      'unmet',
      'after a look',
      attacked().txt().turnsAway().status('bounced'),
      { requirement: '8461-5-transient', harm: 'none' },
    ],
    [
      'unmet',
      "whose DSN made the sender look up its own domain, not the recipient's",
      attacked().later().turnsAway().dsn('failed').status('bounced'),
      { requirement: '8461-5-recheck-before-bounce' },
    ],
    [
      'undecided',
      'by a sender that never had the policy',
      cold().txt().turnsAway().status('bounced'),
    ],
  ]);
});

describe('a sender that was told of no record, and got no policy where there was one', () => {
  const hidden = { ...send(), under: [{ name: 'hide-sts-record', options: { how: 'nxdomain' } }] };
  const honest = { ...send(), under: [] };
  const hours: Step = { kind: 'advance', label: 'a', seconds: 7200, isOptional: true };
  const statusOf = (steps: readonly Step[], { asksAgain = false, canAdvance = false } = {}) => {
    const made = evidence().step(0).submit().txt().mx().connect().ehlo().delivered();
    const learns = steps.length - 2;
    if (canAdvance) made.step(1).later();
    made.step(learns).submit();
    if (asksAgain) made.txt();
    made.mx().connect().ehlo().delivered();
    made
      .step(learns + 1)
      .submit()
      .leaks()
      .status('delivered');
    const view = viewStep(trialOf(made, scenarioOf(steps)), learns + 1);
    return expectations.get('enforced')!.judge(view, {});
  };
  test('had nothing to learn yet, if that was just before', () => {
    const { status, actual } = statusOf([hidden, honest, send()] as Step[]);
    expect(status).toBe('undecided');
    expect(actual).toContain('never got the policy');
  });
  test('has missed it, if it asked again', () => {
    const { status, actual } = statusOf([hidden, honest, send()] as Step[], { asksAgain: true });
    expect(status).toBe('unmet');
    expect(actual).toContain('was there to be fetched');
  });
  test('has missed it, if time had passed', () => {
    const steps = [hidden, hours, honest, send()] as Step[];
    const { status, actual } = statusOf(steps, { canAdvance: true });
    expect(status).toBe('unmet');
    expect(actual).toContain('was there to be fetched');
  });
  test.each([
    ['may', 'mode: none\nhello\n'],
    ['cannot', 'mode: report\n'],
  ])('has missed it, and %s have taken for a policy what it was served before', (is, lines) => {
    const body = `version: STSv1\n${lines}max_age: 86400\n`;
    const made = evidence().step(0).submit().txt().fetch({ body });
    made.mx().connect().ehlo().delivered().step(1).later();
    made.step(2).submit().txt().mx().connect().ehlo().delivered();
    made.step(3).submit().leaks().status('delivered');
    const steps = [hidden, hours, honest, send()] as Step[];
    const view = viewStep(trialOf(made, scenarioOf(steps)), 3);
    const { status, doubt } = expectations.get('enforced')!.judge(view, {});
    expect([status, doubt !== undefined]).toEqual(['unmet', is === 'may']);
  });
  test('had nothing to learn yet, if no time could pass', () => {
    const { status, actual } = statusOf([hidden, hours, honest, send()] as Step[]);
    expect(status).toBe('undecided');
    expect(actual).toContain('never got the policy');
  });
});
