/**
 * Grades: what a judgement of an expectation comes to.
 */

import { isBinding, REQUIREMENTS } from '../model/requirements.ts';
import type { ExpectationUse } from '../model/scenario.ts';
import type { Finding, Grade, Judgement } from '../model/verdict.ts';

/**
 * `fail` = a MUST is broken; `warn` = a SHOULD is broken, only the envelope was exposed, the policy
 * that was broken may not have counted, or the sender was stricter than the RFC. What the RFC does not
 * say with a keyword or in its grammar is at most a warning, unless mail is exposed, lost or returned.
 * A scenario can ask for a warning at most, but not where mail went out in clear, was lost or
 * returned. Throws RangeError for an unknown requirement.
 */
export function gradeOf(
  { status, harm, strictness, isMinor, doubt }: Judgement,
  requirement: string,
  { grade }: Pick<ExpectationUse, 'grade'>,
): Grade {
  if (status === 'met') return 'pass';
  if (status === 'undecided') return 'inconclusive';
  if (status === 'unobserved') return 'not-met';
  if (status === 'unsupported') return 'unsupported';
  if (harm === 'clear' || harm === 'mail-lost') return 'fail';
  if (strictness === true || isMinor === true || doubt !== undefined) return 'warn';
  if (harm === 'returned') return 'fail';
  if (grade === 'warn' || harm === 'envelope') return 'warn';
  if (harm === 'content' || harm === 'unheld') return 'fail';
  if (!Object.hasOwn(REQUIREMENTS, requirement))
    throw new RangeError(`no requirement ${requirement}`);
  return isBinding(REQUIREMENTS[requirement]!) ? 'fail' : 'warn';
}

/** Proved by what passed over the wire: it stands whatever went wrong later in the trial. */
export function isProved({ grade, harm }: Finding): boolean {
  return grade === 'fail' && (harm === 'clear' || harm === 'content');
}

/**
 * A positive control that passes is no pass: what was to be tried counts, where anything was.
 */
export function worstOf(findings: readonly Finding[]): Grade {
  const tried = findings.filter((finding) => finding.expectation !== 'control');
  const order: readonly Grade[] = ['fail', 'inconclusive', 'warn', 'not-met'];
  const worst = order.find((grade) => findings.some((finding) => finding.grade === grade));
  if (worst) return worst;
  if (tried.length > 0 && tried.every((finding) => finding.grade === 'unsupported'))
    return 'unsupported';
  return findings.some((finding) => finding.grade === 'pass') ? 'pass' : 'inconclusive';
}
