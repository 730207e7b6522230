/**
 * No failure was reported for the domain: RFC 8461 §5 (`none`), RFC 8460 §3 (no record, no report).
 */

import { z } from 'zod';
import type { StepView } from '../model/evidence.ts';
import { heldPolicy } from '../model/held-policy.ts';
import type { Observation } from '../model/observation.ts';
import { isBefore, ofKind, seqs } from '../model/traffic.ts';
import type { Expectation } from '../model/verdict.ts';
import { isPermittedMx } from '../protocol/mx-match.ts';
import { sentAgainAtOnce, whyPerhapsLawful } from './report-repeats.ts';
import { sessionCount, tally } from './report-rows.ts';
import { isReporter, readAllReports, silence } from './reports.ts';

/**
 * A sender that tries again by itself fails again, and has that to tell in its next report; none: it has
 * not been asked before.
 */
function failedSinceLastReport(view: StepView): number {
  const last = ofKind(view.history, 'reports-asked-for').at(-2);
  if (last === undefined) return 0;
  const since = used(view).filter((seen) => isBefore(last, seen));
  return sessionCount(view, since, false);
}

/**
 * Where nothing is changed, a connection to a permitted host has not failed that never came to STARTTLS,
 * though it was offered where the sender asked: it was left unused.
 */
function used(view: StepView): readonly Observation[] {
  const [domain = ''] = view.domains;
  const { stages } = view.trial.scenario;
  const commands = ofKind(view.history, 'smtp-command');
  const secured = new Set(
    commands.flatMap(({ verb, connection }) => (verb === 'STARTTLS' ? [connection] : [])),
  );
  const stripped = new Set(
    ofKind(view.history, 'smtp-reply').flatMap(({ to, reply, connection }) =>
      to === 'EHLO' && !/^250[ -]STARTTLS\b/im.test(reply) ? [connection] : [],
    ),
  );
  // What a step does not arrange stays as it was.
  const isHonest = (step: number) =>
    stages.slice(0, step + 1).findLast(({ plan }) => plan !== undefined)?.changes.length === 0;
  const permittedAt = (seen: Observation) =>
    heldPolicy(view.history, domain, seen)?.policy.mx ?? view.permittedMx;
  const isUnused = (seen: Observation) =>
    seen.kind === 'smtp-connection' &&
    !secured.has(seen.connection) &&
    !stripped.has(seen.connection) &&
    isHonest(seen.step) &&
    isPermittedMx(permittedAt(seen), seen.mx);
  return view.history.filter((seen) => !isUnused(seen));
}

const options = z.strictObject({
  atAll: z.boolean().default(false).describe('no report of any kind may have come'),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'no failure was reported for the domain in this step',
  options,
  example: '- not-reported',
  requirement: '8461-5-none',
  awaits: ['reports'],
  cites: () => ['8460-5.4-success-2xx'],
  describe: ({ atAll }) => (atAll ? 'no report' : 'no failure reported'),
  judge(view, { atAll }) {
    const read = readAllReports(view);
    const silent = silence(view, read);
    if (silent && silent.status !== 'unmet') return silent;
    // Who sends no report at all has not kept this one back.
    if (!isReporter(view))
      return {
        status: 'unobserved',
        actual: 'not observed: no report came, nor one of an honest domain',
        because: [],
      };
    const { received, policies, problems, asked } = read;
    const because = seqs(received);
    if (atAll && received.length > 0)
      return { status: 'unmet', actual: 'a report that nobody has asked for', because };
    const again = sentAgainAtOnce(view);
    if (again)
      return {
        status: 'unmet',
        actual: `a report that was taken with ${again[0]!.status} was sent ${again.length} times`,
        because: seqs(again),
        requirement: '8460-5.4-success-2xx',
      };
    // Sessions with no policy may be reported as such (RFC 8460 §4.3.1); what was blamed on a
    // policy counts.
    const blamed = policies.filter(({ type, failures }) => type === 'sts' && failures.length > 0);
    const told = tally(blamed, ({ failed = Number.POSITIVE_INFINITY }) => failed);
    if (blamed.length > 0 && told > failedSinceLastReport(view)) {
      const isFirst = ofKind(view.history, 'reports-asked-for').length < 2;
      const doubt = isFirst ? undefined : whyPerhapsLawful(view, used(view));
      return {
        status: doubt ? 'undecided' : 'unmet',
        actual: `a failure was reported${doubt ? `, ${doubt}` : ''}`,
        because,
      };
    }
    if (problems.length > 0)
      return {
        status: 'undecided',
        actual: `a report came that cannot be read: ${problems[0]}`,
        because,
      };
    return { status: 'met', actual: 'no failure reported', because: seqs(asked) };
  },
};
