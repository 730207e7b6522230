/**
 * RFC 7672 §2.1.2, §2.2: no delivery to a host whose TLSA records cannot be had, or that does not
 * satisfy them; the message waits.
 *
 * Silence is never a pass. It needs proof that the sender was told of this host's TLSA records, or
 * could not be, and that the message is still queued.
 */

import { z } from 'zod';
import { harmOf, worstBreach } from '../model/breaches.ts';
import { exchangersOf } from '../model/changes.ts';
import { outcomeIn, policyDomains, recipientDomains, type StepView } from '../model/evidence.ts';
import { type HeldTlsa, heldTlsa, tlsaLookups } from '../model/held-tlsa.ts';
import { portOf } from '../model/names.ts';
import type { Observation } from '../model/observation.ts';
import { VICTIM } from '../model/plan.ts';
import {
  dialogueOf,
  isBefore,
  type Part,
  seqs,
  sessionsOf,
  transactionsOf,
} from '../model/traffic.ts';
import type { Expectation, Judgement } from '../model/verdict.ts';
import { answerTo } from '../model/zone.ts';
import { inTurn } from './per-message.ts';

export const expectation: Expectation = {
  summary: 'DANE was enforced: nothing exposed, the message deferred and still queued',
  options: z.strictObject({}),
  example: '- dane-enforced',
  needsUnprotected: true,
  cites: () => [
    '7672-2.1.2-tlsa-error-unreachable',
    '7672-2.2.3-starttls-commit',
    '7672-3.2-auth',
    '7672-2.2-usable',
    '7672-2.2.3-port',
  ],
  describe: () => 'deferred, nothing exposed',
  judge(view) {
    const breach = worstBreach(view);
    if (breach) {
      const harm = harmOf(breach);
      const what = harm === 'envelope' ? 'only the envelope was' : 'content';
      return {
        status: 'unmet',
        actual: `${what} exposed ${breach.part.secure ? 'over TLS that no TLSA record vouches for' : 'in clear'} at ${breach.part.mx}`,
        because: [breach.basis.seq, ...seqs(dialogueOf(view.history, breach.part.connection))],
        harm,
        doubt: breach.doubt,
        // That a host was not authenticated breaks what the scenario says it has to be for.
        ...(breach.basis.kind === 'dns-query' &&
          breach.requirement !== '7672-3.2-auth' && { requirement: breach.requirement }),
      };
    }
    return judgeUntold(view) ?? inTurn(view, (token) => judgeMessage(view, token));
  },
};

/** Something passed to a host that has TLSA records, and the sender has not been told of them. */
function judgeUntold(view: StepView): Judgement | undefined {
  const passed = transactionsOf(sessionsOf(view.history))
    .flatMap(({ parts }) => parts)
    .filter((part) => part.step === view.index && hasTlsa(view, part));
  const worst = passed.find(({ kind }) => kind === 'smtp-data') ?? passed[0];
  if (!worst) return undefined;
  const lookups = tlsaLookups(view.history, worst.mx, portOfMail(view)).filter((seen) =>
    isBefore(seen, worst),
  );
  const isTold = view.domains.some((domain) => heldTlsa(view.history, domain, worst.mx, worst));
  if (isTold) return undefined;
  const what = worst.kind === 'smtp-data' ? 'content' : 'only the envelope';
  const why =
    lookups.length === 0
      ? `never asked for the TLSA records of ${worst.mx}`
      : lookups.every(({ step }) => step !== view.index)
        ? 'went by what it had been told of TLSA records before'
        : lookups.some(({ ad }) => ad !== undefined)
          ? 'did not act on what it was answered'
          : 'did not ask so that it would be told whether the answers are secure';
  return {
    status: 'unmet',
    actual: `${what} passed to ${worst.mx}, and the sender ${why}`,
    because: [...seqs(lookups), ...seqs(dialogueOf(view.history, worst.connection))],
    harm: worst.kind === 'smtp-data' ? 'unheld' : 'envelope',
    requirement: portOfMail(view) === 25 ? '7672-2.2-usable' : '7672-2.2.3-port',
  };
}

const portOfMail = (view: StepView): number =>
  portOf(recipientDomains(view.history, view.tokens)[0] ?? '');

/** The domain publishes TLSA records for this host, whatever is answered in this step. */
function hasTlsa(view: StepView, { mx }: Pick<Part, 'mx'>): boolean {
  const { records = [] } = view.stage.plan?.dns ?? {};
  const owner = `_${portOfMail(view)}._tcp.${mx}`.toLowerCase();
  return records.some(
    (record) => record.type === 'TLSA' && view.qualified(record.name).toLowerCase() === owner,
  );
}

function judgeMessage(view: StepView, token: string): Judgement {
  const undecided = (actual: string, because: readonly number[] = []): Judgement => ({
    status: 'undecided',
    actual,
    because,
  });
  const outcome = outcomeIn(view, token);
  if (outcome.kind === 'delivered')
    return undecided(
      `delivered through ${outcome.accepted.mx} with nothing exposed: the attack did not bite`,
      [outcome.accepted.seq],
    );
  if (outcome.kind === 'pending')
    return undecided('nothing exposed, but the sender did not say what became of the message');
  const [domain = ''] = policyDomains(view.history, [token]);
  const held = heldIn(view, domain, outcome.by);
  if (!held)
    return undecided(
      'nothing exposed, but nothing shows that the sender was told of TLSA records',
      [outcome.by.seq],
    );
  if (outcome.kind === 'bounced')
    return {
      status: 'unmet',
      known: true,
      actual: 'bounced at once, where it has to wait',
      because: [held.lookup.seq, outcome.by.seq],
      harm: 'returned',
      requirement: WAITS_BY[held.kind],
    };
  return {
    status: 'met',
    actual: 'deferred, nothing exposed',
    because: [held.lookup.seq, outcome.by.seq],
  };
}

/** RFC 7672 §2.2: "falling back to the next SMTP server or delayed delivery", whatever there is. */
const WAITS_BY: Readonly<Record<HeldTlsa['kind'], string>> = {
  usable: '7672-2.2-usable',
  unusable: '7672-2.2-unusable',
  failed: '7672-2.2-error',
};

/** What the sender was told of a host of the domain, in this step or before: some keep it a while. */
function heldIn(view: StepView, domain: string, sign: Observation): HeldTlsa | undefined {
  const plan = view.stage.plan?.dns;
  if (!plan || answerTo(plan, VICTIM, 'MX').kind === 'failure') return undefined;
  const told = exchangersOf(plan, VICTIM).flatMap(
    (mx) => heldTlsa(view.history, domain, view.qualified(mx), sign) ?? [],
  );
  return told.find(({ lookup }) => lookup.step === view.index) ?? told[0];
}
