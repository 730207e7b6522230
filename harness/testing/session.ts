/**
 * Scenarios as tests of somebody's own suite: one sender, one lab, and a test for each scenario.
 * Test runners differ in how tests are declared, and in nothing else: vitest.ts, node-test.ts.
 *
 * A test that is asked for runs one trial, and its outcome is what `holdfast run` would have told.
 * Tests that the runner leaves out (-t, .only) cost nothing, so trials are run as they are asked
 * for, as many at once as suit the sender.
 */

import { openGate } from '../commands/gate.ts';
import { selectScenarios } from '../commands/select.ts';
import type { KnownFailure } from '../model/known.ts';
import type { TrialResult } from '../model/reporter.ts';
import type { Verdict } from '../model/verdict.ts';
import { printable } from '../protocol/printable.ts';
import {
  describeVerdict,
  noMoreLine,
  title,
  whyNotMet,
  whyUnsupported,
} from '../reporters/failure-text.ts';
import { unjudgedOf } from '../reporters/unjudged.ts';
import { longFirst } from '../run/suite.ts';
import { openTrials, type Trials } from '../run/trials.ts';
import { senderOf } from '../senders/find.ts';
import { claimFolder, keepTrial } from '../store.ts';
import { loadVocabulary } from '../vocabulary.ts';
import { checkOptions, type TestOptions } from './options.ts';

/** What a test comes to. `skipped`: the reason is told. */
export type Outcome =
  | { readonly kind: 'passed' }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'failed'; readonly text: string };

export interface Session {
  /** The name of the sender. */
  readonly sender: string;
  /** One test each. */
  readonly ids: readonly string[];
  /** There is a list of known failures, which has to be right as well. */
  readonly hasKnown: boolean;
  /** Starts lab and sender. Throws SenderError when the sender cannot be run here. */
  open(): Promise<void>;
  /** These will be asked for: they are run from now on. */
  expect(ids: readonly string[]): void;
  /**
   * What the test of this scenario comes to; asked again, it is run again. Throws SenderError when
   * the sender has died.
   */
  outcomeOf(id: string): Promise<Outcome>;
  /** Once all that runs is over: fails where the list names what is known no more. */
  known(): Promise<Outcome>;
  /** Once all that runs is over: fails where all of it was unsupported or not met. */
  judged(): Promise<Outcome>;
  /** Ends sender and lab, and what still runs. */
  close(): Promise<void>;
}

/**
 * Reads all that is named, and starts nothing. Throws UsageError as the command line does, and for
 * options that make no sense.
 */
export async function prepareSession(options: TestOptions): Promise<Session> {
  checkOptions(options);
  const { keep, strict = false, tell = () => {} } = options;
  const given = typeof options.sender === 'string' ? options.sender : '';
  const vocabulary = await loadVocabulary();
  const scenarios = await selectScenarios(options.scenarios ?? [], vocabulary, options.profile);
  const sender = typeof options.sender === 'string' ? await senderOf(given) : options.sender;
  const gate = await openGate(
    {
      senders: [{ given, name: sender.name }],
      known: options.known === undefined ? [] : [options.known],
      scenarios,
    },
    vocabulary,
  );
  const byId = new Map(scenarios.map((scenario) => [scenario.id, scenario]));
  const stop = new AbortController();
  const started = new Map<string, Promise<Told>>();
  const asked = new Set<string>();
  let trials: Promise<Trials> | undefined;

  const runOne = async (id: string): Promise<Told> => {
    const { run } = await trials!;
    const result = await run(byId.get(id)!);
    if (keep !== undefined) await keepTrial(keep, result);
    const known = gate.knownBy(result.verdict);
    return { verdict: result.verdict, outcome: outcomeOf(result, known, strict) };
  };
  const start = (id: string) => {
    const one = runOne(id);
    // Whoever asks for it hears of it.
    one.catch(() => {});
    started.set(id, one);
    return one;
  };
  /** Once all that was started is over, what came of what ran to its end. */
  const allTold = async () => {
    const ended = await Promise.allSettled(started.values());
    return ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  };
  return {
    sender: sender.name,
    ids: [...byId.keys()],
    hasKnown: gate.lists.some(({ entries }) => entries.length > 0),
    async open() {
      if (keep !== undefined) await claimFolder(keep);
      const { signal } = stop;
      trials = openTrials(sender, { vocabulary, jobs: options.jobs, tell, signal });
      await trials;
    },
    expect(ids) {
      for (const { id } of longFirst(ids.flatMap((id) => byId.get(id) ?? []))) void start(id);
    },
    async outcomeOf(id) {
      const first = asked.has(id) ? undefined : started.get(id);
      asked.add(id);
      return (await (first ?? start(id))).outcome;
    },
    async known() {
      const wrong = gate.noMore(await allTold());
      return wrong.length === 0
        ? { kind: 'passed' }
        : { kind: 'failed', text: wrong.map(noMoreLine).join('\n') };
    },
    async judged() {
      const [unjudged] = unjudgedOf({ results: await allTold() });
      return unjudged ? { kind: 'failed', text: unjudged.sentence } : { kind: 'passed' };
    },
    async close() {
      stop.abort();
      const open = await trials?.catch(() => undefined);
      await open?.[Symbol.asyncDispose]();
    },
  };
}

/** What is left of a trial. */
interface Told {
  readonly verdict: Verdict;
  readonly outcome: Outcome;
}

function outcomeOf(
  { verdict, trial }: TrialResult,
  known: KnownFailure | undefined,
  strict: boolean,
): Outcome {
  const failed = { kind: 'failed', text: describeVerdict(verdict, trial).join('\n') } as const;
  switch (verdict.grade) {
    case 'pass':
      return { kind: 'passed' };
    case 'warn':
      return strict ? failed : { kind: 'passed' };
    case 'not-met': {
      const reason = whyNotMet(verdict, trial);
      return strict
        ? { kind: 'failed', text: title('not-met', verdict, [reason]) }
        : { kind: 'skipped', reason: `not met: ${reason}` };
    }
    case 'unsupported':
      return { kind: 'skipped', reason: `unsupported: ${whyUnsupported(verdict, trial)}` };
    case 'fail':
      return known ? { kind: 'skipped', reason: `known: ${printable(known.reason)}` } : failed;
    case 'inconclusive':
      return failed;
  }
}

/**
 * What a test throws. Its message is what the text reporter tells; where in Holdfast it was thrown
 * tells nobody anything.
 */
export class TestFailure extends Error {
  override readonly name = 'Holdfast';

  constructor({ text }: Outcome & { kind: 'failed' }) {
    super(text);
    this.stack = `${this.name}: ${text}`;
  }
}
