/**
 * RFC 8461 §3.1, §3.3: the policy was got in this step, or when time had passed just before it: its
 * record asked for, then a GET over HTTPS to a host that proved its name, answered 200 in full.
 */

import { z } from 'zod';
import {
  attemptsFor,
  isLeftAlone,
  outcomeOf,
  type StepView,
  tokensSubmitted,
} from '../model/evidence.ts';
import { heldPolicy, policyFetches, stsLookups } from '../model/held-policy.ts';
import { WITHOUT_MAIL } from '../model/scenario.ts';
import { isBefore, ofKind, type Seen, seqs } from '../model/traffic.ts';
import type { Expectation } from '../model/verdict.ts';

export const expectation: Expectation = {
  summary: 'the policy was fetched in this step',
  options: z.strictObject({}),
  example: '- policy-fetched',
  awaits: ['policy'],
  cites: () => ['8461-3.1-txt-name'],
  describe: () => 'policy fetched',
  judge(view) {
    const fetches = [...fetchedAsTimePassed(view), ...policyFetches(view.now, view.domains)];
    const lookups = stsLookups(view.now, view.domains);
    const known = stsLookups(view.history, view.domains);
    if (fetches.length > 0 && known.length === 0)
      return {
        status: 'unmet',
        actual: 'policy fetched, though its record was never asked for',
        because: seqs(fetches),
        requirement: '8461-3.1-txt-name',
      };
    if (fetches.length > 0)
      return { status: 'met', actual: 'policy fetched', because: seqs([...lookups, ...fetches]) };
    // RFC 8461 §5.1 lets a sender fetch beside the delivery, and so be late.
    const late = policyFetches(view.whole, view.domains).filter(({ step }) => step > view.index);
    const isOfThisLook = contacts(view).length > 0 || !hasOwnLook(view, late[0]);
    if (late.length > 0 && lookups.length > 0 && isOfThisLook)
      return {
        status: 'undecided',
        actual: 'the policy was fetched only after this step',
        because: seqs([...lookups, ...late]),
      };
    const renewed = renewedBefore(view);
    if (renewed)
      return {
        status: 'unobserved',
        actual: 'the sender had fetched this policy by itself before there was mail',
        because: [renewed.seq],
      };
    if (lookups.length === 0 && isSilent(view))
      return {
        status: 'undecided',
        actual: 'nothing was seen of the message before the wait was over',
        because: [],
      };
    if (lookups.length === 0)
      return {
        status: 'unmet',
        actual: 'neither the TXT record nor the policy was asked for',
        because: [],
      };
    if (isLeftAlone(view, view.index))
      return {
        status: 'unobserved',
        actual: 'a fetch had failed less than five minutes before, and another one has time',
        because: seqs(lookups),
      };
    const isUnvisited = contacts(view).length === 0 && late.length === 0;
    // One that has fetched before may hold something under the same id.
    const isNew = policyFetches(view.history, view.domains).length === 0;
    return {
      status: 'unmet',
      actual: isUnvisited
        ? `the TXT record was asked for${isNew ? ' and not believed' : ''}: nobody looked for the policy host`
        : `the TXT record was asked for, the policy was not fetched${late.length > 0 ? ' before it was asked for anew' : ''}`,
      because: seqs([...lookups, ...contacts(view)]),
      // A sender that takes no record it is shown fails the control as well, and for that reason.
      standsAlone: isUnvisited,
      explainsControl: isUnvisited,
    };
  },
};

/** There was mail to be sent, and the sender has not come to it: it was not about to look for a policy. */
function isSilent(view: StepView): boolean {
  const isDue =
    tokensSubmitted(view.now).length > 0 || ofKind(view.now, 'queue-flushed').length > 0;
  return (
    isDue &&
    view.tokens.every(
      (token) =>
        !['delivered', 'bounced'].includes(outcomeOf(view.history, token).kind) &&
        attemptsFor(token, view.now, view.history, view.trial.scenario).length === 0,
    )
  );
}

/** RFC 8461 §10.2: a sender may renew a policy by itself, as soon as time has passed. */
function fetchedAsTimePassed(view: StepView) {
  const before = view.index - 1;
  if (view.trial.scenario.stages[before]?.step.kind !== 'advance') return [];
  const advanced = ofKind(view.history, 'time-advanced').findLast(({ step }) => step === before);
  return policyFetches(view.history, view.domains).filter(
    (seen) => seen.step === before && advanced !== undefined && isBefore(advanced, seen),
  );
}

/** The same, in any step since there was mail; nothing else was published after it. */
function renewedBefore(view: StepView): Seen<'policy-request'> | undefined {
  const { stages } = view.trial.scenario;
  const last = stages.findLastIndex(
    ({ step }, index) => index < view.index && !WITHOUT_MAIL.includes(step.kind),
  );
  const [start] = view.now;
  const held = view.domains.flatMap(
    (domain) => (start && heldPolicy(view.history, domain, start)?.fetch) ?? [],
  );
  return held.find(({ step }) => step > last && stages[step]?.policy.id === view.stage.policy.id);
}

/** A fetch that follows another look, in its own step. */
function hasOwnLook(view: StepView, fetch: Seen<'policy-request'> | undefined): boolean {
  return stsLookups(view.whole, view.domains).some(
    (look) => look.step === fetch?.step && isBefore(look, fetch),
  );
}

/** Whatever shows that the sender looked for the policy host. */
function contacts(view: StepView) {
  const names = view.domains.map((domain) => `mta-sts.${domain}`);
  return view.now.filter(
    (seen) =>
      (seen.kind === 'dns-query' && names.includes(seen.name.toLowerCase())) ||
      seen.kind === 'policy-request' ||
      ((seen.kind === 'web-connection' || seen.kind === 'tls-handshake') &&
        seen.service === 'policy-host'),
  );
}
