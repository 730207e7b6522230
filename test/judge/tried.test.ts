/** What was answered in an earlier step and is not asked again: only the last answer is known. */

import { expect, test } from 'vitest';
import { triedIn } from '../../harness/judge/tried.ts';
import { viewStep } from '../../harness/model/evidence.ts';
import type { Step } from '../../harness/model/scenario.ts';
import {
  type EvidenceBuilder,
  evidence,
  scenarioOf,
  send,
  trialOf,
  vocabulary,
} from '../evidence.ts';

const swap = vocabulary.attacks.get('swap-mx')!;
const swapped = {
  ...send(),
  under: [{ name: 'swap-mx', options: swap.options.parse({}) }],
} as Step;
const failing = vocabulary.attacks.get('dns-answer')!;
const failed = (change: object = {}) =>
  ({
    ...send(),
    under: [
      {
        name: 'dns-answer',
        options: failing.options.parse({
          name: 'victim.test',
          type: 'MX',
          answer: 'servfail',
          ...change,
        }),
      },
    ],
  }) as Step;
const waits: Step = { kind: 'wait', label: 'a minute', seconds: 60 };
const honest = { ...send(), under: [] } as Step;
const asked = () => evidence().step(0).submit().leaks('mx.attacker.test').status('delivered');
/** The last step: mail goes out, and nothing is asked. */
const unasked = (made: EvidenceBuilder, step: number) =>
  made.step(step).submit().connect('mx.attacker.test').ehlo().delivered().status('delivered');

const stranger = {
  ...send(),
  under: [
    {
      name: 'dns-answer',
      options: failing.options.parse({
        name: 'mx1.victim.test',
        type: 'A',
        packet: 'wrong-id',
        followed: true,
        records: [{ name: 'mx1.victim.test', type: 'A', host: 'mx.attacker.test' }],
      }),
    },
  ],
} as Step;
const asks = (...transports: readonly ('udp' | 'tcp')[]) =>
  transports.reduce(
    (made, transport) =>
      made.see({
        kind: 'dns-query',
        name: 'mx1.victim.xw1.test',
        type: 'A',
        transport,
        answer: 'NOERROR 1',
      }),
    evidence().step(0).submit().mx(),
  );

test.each<[string, string, EvidenceBuilder]>([
  ['met', 'over UDP', asks('udp')],
  ['met', 'over UDP and then TCP', asks('udp', 'tcp')],
  ['not-met', 'over TCP alone', asks('tcp')],
  ['unexplained', 'not at all', asks()],
])("a stranger's answer is %s: asked %s", (kind, _, made) => {
  const trial = trialOf(made.leaks().status('delivered'), scenarioOf([stranger]));
  expect(triedIn(viewStep(trial, 0), []).kind).toBe(kind);
});

test.each<[string, readonly Step[], EvidenceBuilder, string]>([
  ['the same answer', [swapped, swapped], unasked(asked(), 1), 'met'],
  [
    'another answer since',
    [swapped, honest, swapped],
    unasked(asked().step(1).submit().leaks().status('delivered'), 2),
    'unexplained',
  ],
  ['an answer of another kind', [swapped, failed()], unasked(asked(), 1), 'unexplained'],
  [
    'the first answer, of which the second was honest',
    [failed({ nth: [1] }), failed({ nth: [1] })],
    unasked(evidence().step(0).submit().unanswered('SERVFAIL').leaks().status('delivered'), 1),
    'unexplained',
  ],
  ['the same answer, some time ago', [swapped, waits, swapped], unasked(asked(), 2), 'unexplained'],
  [
    'asked before the world was this one',
    [swapped],
    evidence()
      .see({ kind: 'dns-query', name: 'victim.xw1.test', type: 'MX', transport: 'udp', answer: '' })
      .step(0)
      .submit()
      .status('delivered'),
    'unexplained',
  ],
  [
    'nothing was sent, and so nothing over a connection that was open',
    [swapped],
    evidence().step(0),
    'unexplained',
  ],
  ['not asked in between', [swapped, honest, swapped], unasked(unasked(asked(), 1), 2), 'met'],
])('%s', (_, steps, made, kind) => {
  const trial = trialOf(made, scenarioOf(steps));
  const views = steps.map((_, index) => viewStep(trial, index));
  expect(triedIn(views.at(-1)!, views.slice(0, -1)).kind).toBe(kind);
});
