/**
 * Holdfast as a library. Runs scenarios against a sender of one's own and judges the evidence:
 *
 *   const vocabulary = await loadVocabulary();
 *   const { scenarios, problems } = await loadScenarios(['scenarios'], process.cwd(), vocabulary);
 *   if (problems.length > 0) throw new Error(problems.map(formatProblem).join('\n'));
 *
 *   const tell = console.error;
 *   const { senders } = await prepareSenders([await senderOf('postfix')], { tell });
 *   const verdicts: Verdict[] = [];
 *   const onResult = ({ verdict }: TrialResult) => void verdicts.push(verdict);
 *   await runSenders({ senders, scenarios, vocabulary, tell, onResult });
 *   process.exitCode = exitCode(verdicts);
 *
 * A scenario, a trial with its evidence and a verdict are plain, frozen data that print as JSON.
 */

export { judge } from './judge/judge.ts';
export { type Lab, startLab } from './lab/lab.ts';
export { openLab } from './labs/open.ts';
export type { Attack } from './model/attack.ts';
export type { Evidence, Observation } from './model/observation.ts';
export type { LabPlan } from './model/plan.ts';
export type { RunSummary, TrialResult } from './model/reporter.ts';
export { citeRequirement, REQUIREMENTS, type Requirement } from './model/requirements.ts';
export type { Scenario, Step } from './model/scenario.ts';
export {
  type Capability,
  type LabAccess,
  type MessageStatus,
  type OutgoingMessage,
  type Sender,
  type SenderDescription,
  SenderError,
  type StartedSender,
} from './model/sender.ts';
export {
  type Expectation,
  exitCode,
  type Finding,
  type Grade,
  type Trial,
  type Verdict,
} from './model/verdict.ts';
export {
  type Prepared,
  prepareSenders,
  runSenders,
  type SendersOptions,
  type Skipped,
} from './run/senders.ts';
export { runSuite, type SuiteOptions } from './run/suite.ts';
export type { Vocabulary } from './scenario/language.ts';
export { type Loaded, loadScenarios } from './scenario/load.ts';
export { scenarioJsonSchema } from './scenario/schema.ts';
export { contractOf, senderNames, senderOf } from './senders/find.ts';
export { type NodeSenderOptions, nodeSender } from './senders/node/node-sender.ts';
export { opportunisticSender } from './senders/opportunistic.ts';
export {
  type FaultName,
  type ReferenceOptions,
  referenceSender,
  type TemperamentName,
} from './senders/reference/index.ts';
export { EvidenceError, type KeptTrial, keepTrial, readTrials } from './store.ts';
export { loadVocabulary } from './vocabulary.ts';
export { formatProblem, type Problem } from './yaml/problems.ts';
