/**
 * judge: frozen evidence in, verdict out. Pure: the same evidence gives the same verdict, with or
 * without a lab.
 *
 * Each step's expectations give findings; what makes them trustworthy is added here: whether the
 * step was tried at all (tried.ts), the positive control (control.ts), the negative control, what
 * was exposed anywhere (exposure.ts), and the lab's own health.
 */

import { inLeg, outcomeOf, type StepView, viewStep } from '../model/evidence.ts';
import { plainName } from '../model/names.ts';
import type { Observation } from '../model/observation.ts';
import { REQUIREMENTS } from '../model/requirements.ts';
import { type ExpectationUse, isJudged, neededCapabilities } from '../model/scenario.ts';
import { ofKind, type Seen } from '../model/traffic.ts';
import {
  describeUse,
  type Expectation,
  type Fact,
  type Finding,
  type SeenFact,
  type Trial,
  type Verdict,
} from '../model/verdict.ts';
import { judgeControl } from './control.ts';
import { judgeExposure, unlessCounted, worstExposure } from './exposure.ts';
import { gradeOf, isProved, worstOf } from './grade.ts';
import { type Tried, triedIn } from './tried.ts';

/** Past these the lab may have made the sender do what it did, content in clear included. */
export const SLOW_LAB = { eventLoopDelayMs: 500, answerMs: 500 } as const;

export type Expectations = ReadonlyMap<string, Expectation>;
export type Facts = ReadonlyMap<string, Fact>;

export function judge(trial: Trial, expectations: Expectations, known: Facts = new Map()): Verdict {
  const { scenario, sender, evidence } = trial;
  const views = scenario.stages.map((_, index) => viewStep(trial, index));
  const lacking = neededCapabilities(scenario).filter(
    (capability) => !sender.capabilities.includes(capability),
  );
  const uncarried = ofKind(evidence.observations, 'message-uncarried')[0];
  const findings =
    lacking.length > 0
      ? [unsupported(trial, lacking)]
      : uncarried
        ? [notCarried(trial, uncarried)]
        : findingsOf(trial, views, expectations);
  const isJudgeable = lacking.length === 0 && uncarried === undefined;
  const slowness = isJudgeable ? labSlowness(evidence.observations) : [];
  const trouble = [...slowness, ...(isJudgeable ? labTrouble(evidence.observations) : [])];
  // A world's label is of this run alone: verdicts of two runs are to be compared.
  const labels = new Set(ofKind(evidence.observations, 'step-started').map(({ label }) => label));
  const plain = (text: string) => [...labels].reduce(plainName, text);
  const facts = isJudgeable && trouble.length === 0 ? factsOf(trial, views, known) : [];
  // What passed over the wire is proved, but not against what policy: of a slow lab the sender may
  // have had enough before the answer came, and had none.
  const isUndecided = slowness.length > 0 || (trouble.length > 0 && !findings.some(isProved));
  return {
    scenario: scenario.id,
    sender: sender.name,
    senderVersion: sender.version,
    grade: isUndecided ? 'inconclusive' : worstOf(findings),
    findings: findings.map((finding) => ({
      ...finding,
      expected: plain(finding.expected),
      actual: plain(finding.actual),
      ...(finding.compared && {
        compared: finding.compared.map((row) => ({
          ...row,
          reported: plain(row.reported),
          seen: plain(row.seen),
        })),
      }),
    })),
    remarks: [...trouble, ...(isJudgeable ? negativeControls(trial) : [])].map(plain),
    ...(facts.length > 0 && {
      facts: facts.map((fact) => ({ ...fact, seen: plain(fact.seen) })),
    }),
    exposure: worstExposure(views, findings),
    durationMs: evidence.observations.at(-1)?.at ?? 0,
  };
}

/** What the expectations say, and what passed in steps where they did not say it. */
function findingsOf(
  trial: Trial,
  views: readonly StepView[],
  expectations: Expectations,
): Finding[] {
  const findings = judgeSteps(trial, views, expectations);
  // What nobody could decide says nothing of what is proved.
  const telling = findings.filter(({ grade }) => grade === 'fail' || grade === 'warn');
  const isTold = ({ step, harm, grade, because }: Finding) =>
    telling.some(
      (one) =>
        one.step === step &&
        one.harm !== undefined &&
        severity(one) >= severity({ harm }) &&
        (one.grade === 'fail' || grade === 'warn' || isAbout(one, because)),
    );
  return [...findings, ...judgeExposure(trial, isTold)];
}

/** Of steps that the sender has met: a fact is no finding, but it is proved no less. */
function factsOf(trial: Trial, views: readonly StepView[], known: Facts): SeenFact[] {
  return views.flatMap((view) => {
    const { step } = view;
    const names = isJudged(step) ? (step.observe ?? []) : [];
    if (names.length === 0 || triedIn(view, views.slice(0, view.index)).kind !== 'met') return [];
    return names.flatMap((name): SeenFact[] => {
      const fact = known.get(name);
      const seen = fact?.observe(view);
      const point = fact?.point ?? trial.scenario.title;
      return seen ? [{ fact: name, step: view.index, point, ...seen }] : [];
    });
  });
}

/** A warning tells what is worse only where it is about the same connection, under the same policy. */
function isAbout({ because }: Finding, [basis, ...dialogue]: readonly number[]): boolean {
  return because.includes(basis!) && dialogue.some((seq) => because.includes(seq));
}

function severity({ harm }: Pick<Finding, 'harm'>): number {
  if (harm === 'clear') return 3;
  if (harm === 'content' || harm === 'unheld') return 2;
  return harm === 'envelope' ? 1 : 0;
}

/**
 * A prime step is the positive control of all that follows; without one every sending step has a
 * control of its own.
 */
function judgeSteps(
  trial: Trial,
  views: readonly StepView[],
  expectations: Expectations,
): Finding[] {
  const judged: Judged[] = [];
  let control: Finding | undefined;
  let unlearned: Exclude<Tried, { kind: 'met' }> | undefined;
  for (const [index, view] of views.entries()) {
    const { step, control: controlled } = view.stage;
    const started = ofKind(view.now, 'step-started').length > 0;
    if (step.kind === 'prime') {
      control = started ? judgeControl(trial, index, 'main') : neverRun(trial, index);
      judged.push(asControl(control));
    } else if (isJudged(step) || step.kind === 'recover') {
      const own = controlled !== undefined && started;
      // A plain message that was delivered says nothing of one that asks for REQUIRETLS.
      const isSpecial = step.kind === 'send' && step.message?.requiretls === true;
      if (own) control = bestControl(trial, index, isSpecial ? undefined : control);
      if (started) {
        const tried = triedIn(view, views.slice(0, index));
        const found = judgeStep(view, expectations, { tried, unlearned, control });
        judged.push(...found);
        if (tried.kind === 'not-met' && tried.isUnlearned) unlearned = tried;
        else if (found.some(isUnfetched)) unlearned = UNFETCHED;
      } else judged.push({ finding: neverRun(trial, index) });
      if (own && control && control.grade !== 'pass') judged.push(asControl(control));
    }
  }
  // Where it is known by what the control failed, that decides, and not that it failed.
  const isExplained = judged.some(({ explainsControl }) => explainsControl);
  return judged
    .filter(({ isBlocked }) => !(isExplained && isBlocked))
    .map(({ finding }) => finding);
}

/** That a policy was not fetched is judged there, and explains what is not known after it. */
const isUnfetched = ({ finding: { expectation, grade } }: Judged): boolean =>
  expectation === 'policy-fetched' && (grade === 'fail' || grade === 'warn');

const UNFETCHED: Exclude<Tried, { kind: 'met' }> = {
  kind: 'not-met',
  what: 'the sender had not fetched the policy',
  why: 'another finding is about that',
  isUnlearned: true,
};

/**
 * An honest delivery that went as it should shows that the sender can do it, in the control leg or
 * in the main one, in this step or before.
 */
function bestControl(trial: Trial, index: number, earlier: Finding | undefined): Finding {
  const own = judgeControl(trial, index, 'control');
  // An honest delivery without a policy says nothing of policies.
  const started = ofKind(inLeg(trial.evidence.observations, 'main', index), 'step-started').at(-1);
  const isAboutPolicies = trial.scenario.needs.includes('mta-sts');
  const main =
    isAboutPolicies && started?.policy.mode === 'absent'
      ? undefined
      : judgeControl(trial, index, 'main');
  return [own, main, earlier].find((one) => one?.grade === 'pass') ?? own;
}

const asControl = (finding: Finding): Judged => ({
  finding,
  isBlocked: finding.grade === 'inconclusive',
});

/** Of a step, and of what the steps before it did not meet. */
interface Circumstances {
  readonly tried: Tried;
  /** A step before was not met: what was to be learned there is not known here. */
  readonly unlearned: Exclude<Tried, { kind: 'met' }> | undefined;
  readonly control: Finding | undefined;
}

function judgeStep(
  view: StepView,
  expectations: Expectations,
  { tried, unlearned, control }: Circumstances,
): Judged[] {
  const all = usesOf(view).map((use) => judgeUse(view, use, expectations.get(use.name), control));
  return all.map((judged) => {
    const { finding, stands } = judged;
    // Whatever the sender met: what was queued has arrived.
    const isHome = finding.expectation === 'recovered' && finding.grade === 'pass';
    if (stands || isHome || finding.grade === 'unsupported') return judged;
    if (tried.kind !== 'met') {
      const others = all.filter((other) => other !== judged);
      return { ...judged, finding: asUntried(finding, explained(tried, others)) };
    }
    // Mail that does not arrive in the end is not explained by what was not learned.
    const isExplained = finding.expectation !== 'recovered';
    return unlearned && isExplained && finding.grade === 'inconclusive'
      ? { ...judged, finding: asUntried(finding, unlearned) }
      : judged;
  });
}

/** A reason that is itself to be judged explains nothing where no other finding is about it. */
function explained(
  tried: Exclude<Tried, { kind: 'met' }>,
  others: readonly Judged[],
): Exclude<Tried, { kind: 'met' }> {
  if (tried.kind !== 'not-met' || tried.judgedBy === undefined) return tried;
  const cited = others.flatMap(({ finding }) => finding.because);
  return tried.judgedBy.some((seq) => cited.includes(seq))
    ? tried
    : { kind: 'unexplained', what: tried.what };
}

/** What was found in a step that was not tried proves nothing. */
function asUntried(finding: Finding, tried: Exclude<Tried, { kind: 'met' }>): Finding {
  const { grade, actual } = finding;
  if (tried.kind === 'not-met')
    return { ...finding, grade: 'not-met', actual: `${tried.what}: ${tried.why}` };
  return grade === 'inconclusive'
    ? finding
    : { ...finding, grade: 'inconclusive', actual: `${actual}, but ${tried.what}` };
}

interface Judged {
  readonly finding: Finding;
  /** It stands by itself, whatever the sender did not meet. */
  readonly stands?: boolean;
  /** Nothing is known of it, since the positive control failed. */
  readonly isBlocked?: boolean;
  /** It says by what the control failed. */
  readonly explainsControl?: boolean;
}

/**
 * The finding of one expectation; where the positive control failed, only what rests on the wire
 * alone still counts.
 */
function judgeUse(
  view: StepView,
  use: ExpectationUse,
  expectation: Expectation | undefined,
  control: Finding | undefined,
): Judged {
  const fallback = view.trial.scenario.requirements[0]!;
  try {
    if (expectation === undefined) throw new Error('there is no such expectation');
    const own = use.for === undefined ? view : viewStep(view.trial, view.index, use.for);
    const judgement = expectation.judge(own, use.options);
    // One that names a requirement says that another was broken than the one asked about.
    const asked = use.requirement ?? expectation.requirement ?? fallback;
    const isMust = REQUIREMENTS[asked]?.level.startsWith('MUST') ?? false;
    const requirement = judgement.requirement ?? ((isMust && judgement.insteadOfMust) || asked);
    const grade = gradeOf(judgement, requirement, use);
    const standsAlone = expectation.standsAlone === true || judgement.standsAlone === true;
    const decided =
      control === undefined ||
      control.grade === 'pass' ||
      standsAlone ||
      judgement.harm === 'clear';
    const finding: Finding = {
      step: view.index,
      expectation: use.name,
      requirement,
      grade: decided || grade === 'unsupported' ? grade : 'inconclusive',
      expected: describeUse(use, expectation),
      actual: `${judgement.actual}${unlessCounted(judgement.doubt)}`,
      because: judgement.because,
      ...(judgement.harm ? { harm: judgement.harm } : {}),
      ...(judgement.compared ? { compared: judgement.compared } : {}),
    };
    const isProof = standsAlone || judgement.known === true || judgement.harm !== undefined;
    const stands = decided && judgement.status === 'unmet' && isProof;
    return {
      finding,
      stands,
      isBlocked: !decided,
      explainsControl: stands && judgement.explainsControl === true,
    };
  } catch (error) {
    // Not knowing is an answer: what breaks the judge proves nothing about the sender.
    const finding: Finding = {
      step: view.index,
      expectation: use.name,
      requirement: use.requirement ?? fallback,
      grade: 'inconclusive',
      expected: use.name,
      actual: `the expectation broke: ${error instanceof Error ? error.message : String(error)}`,
      because: [],
    };
    return { finding };
  }
}

function usesOf({ step }: StepView): readonly ExpectationUse[] {
  if (isJudged(step)) return step.expect;
  return step.kind === 'recover' ? [{ name: 'recovered', options: {} }] : [];
}

/**
 * The negative control: what a sender refuses with no policy in the world, it did not refuse
 * because of one.
 */
function negativeControls(trial: Trial): string[] {
  const remarks = trial.scenario.stages.flatMap(({ unprotected }, index) => {
    if (!unprotected) return [];
    const now = inLeg(trial.evidence.observations, 'unprotected', index);
    // The last is the one under the fault; an honest one may have gone before.
    const last = ofKind(now, 'message-submitted').at(-1);
    const outcome = last && outcomeOf(now, last.token).kind;
    if (outcome === undefined)
      return ['whether the same fault stops mail without a policy too was not tried'];
    if (outcome === 'pending')
      return [
        'whether the same fault stops mail without a policy too was not seen before the wait was over',
      ];
    return outcome === 'delivered'
      ? []
      : [
          'the same fault was refused without a policy too: the sender has a strictness or a memory of its own',
        ];
  });
  return [...new Set(remarks)];
}

/** The verdict is inconclusive whatever the sender did. */
export function wasLabSlow({ evidence }: Trial): boolean {
  return labSlowness(evidence.observations).length > 0;
}

function labSlowness(observations: readonly Observation[]): string[] {
  return ofKind(observations, 'lab-health')
    .filter(
      (seen) =>
        seen.eventLoopDelayMs > SLOW_LAB.eventLoopDelayMs ||
        seen.slowestAnswerMs > SLOW_LAB.answerMs,
    )
    .map(
      (seen) =>
        `the lab was slow (event loop ${seen.eventLoopDelayMs} ms late, slowest answer ${seen.slowestAnswerMs} ms): run with fewer --jobs`,
    );
}

function labTrouble(observations: readonly Observation[]): string[] {
  const health = ofKind(observations, 'lab-health');
  const isKnown = health.some(
    (seen) => Number.isFinite(seen.eventLoopDelayMs) && Number.isFinite(seen.slowestAnswerMs),
  );
  return [
    ...(isKnown ? [] : ['the evidence breaks off: it does not say how fast the lab was']),
    ...ofKind(observations, 'flooded').map(
      ({ seq, most }) =>
        `the trial was ended after ${seq - 1} observations, most of them ${most}: the sender did not stop, and what it would have done is not known`,
    ),
    ...ofKind(observations, 'lab-fault').map((seen) => `the lab failed: ${seen.detail}`),
    ...ofKind(observations, 'sender-failed').map((seen) => `the sender failed: ${seen.detail}`),
  ];
}

function unsupported(trial: Trial, lacking: readonly string[]): Finding {
  return {
    step: 0,
    expectation: 'capabilities',
    requirement: trial.scenario.requirements[0]!,
    grade: 'unsupported',
    expected: lacking.join(', '),
    actual: `the sender does not declare ${lacking.join(', ')}`,
    because: [],
  };
}

/** The sender cannot be given the message that the scenario is about. */
function notCarried(trial: Trial, { step, detail, seq }: Seen<'message-uncarried'>): Finding {
  return {
    step,
    expectation: 'submission',
    requirement: trial.scenario.requirements[0]!,
    grade: 'unsupported',
    expected: 'the sender can be given such a message',
    actual: detail,
    because: [seq],
  };
}

function neverRun(trial: Trial, index: number): Finding {
  return {
    step: index,
    expectation: 'step',
    requirement: trial.scenario.requirements[0]!,
    grade: 'inconclusive',
    expected: 'the step is run',
    actual: 'an earlier step went wrong',
    because: [],
  };
}
