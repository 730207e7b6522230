/**
 * Resolving: a draft as scenarios, one for each variant. Defaults are filled in, policies and
 * domains laid over each other, `$variant` replaced; and what only shows in the whole is checked:
 * every attack is tried once on the world of its step.
 */

import { baselinePlan, DEFAULT_DOMAIN, DEFAULT_POLICY } from '../model/baseline.ts';
import type { MessageForm } from '../model/message.ts';
import { VICTIM } from '../model/plan.ts';
import {
  type DomainChange,
  type DomainSpec,
  type ExpectationUse,
  isJudged,
  type PolicyChange,
  type PolicySpec,
  type Scenario,
  type Step,
} from '../model/scenario.ts';
import { compileStages, type Stage } from '../model/stage.ts';
import type { Complain } from '../yaml/issues.ts';
import type { Path } from '../yaml/source.ts';
import {
  checkAttacks,
  checkDestinations,
  checkHosts,
  checkPermitted,
  type Honest,
  namesIn,
} from './check-world.ts';
import type { Vocabulary } from './language.ts';
import { VARIANT } from './language.ts';
import type { Draft, DraftStep, DraftVariant } from './read.ts';
import type { RawUse, Spliced } from './uses.ts';

/** The scenarios of a draft; they are whole only if nothing was told, here or before. */
export function resolveDraft(
  draft: Draft,
  id: string,
  file: string,
  vocabulary: Vocabulary,
  complain: Complain,
): Scenario[] {
  checkVariants(draft, complain);
  checkOrder(draft.steps, complain);
  checkExpected(draft.steps, complain);
  if (!draft.hasWorld || draft.variants === undefined) return [];
  const { title = '', why = '', requirements = [], needs = [] } = draft.head;
  const base = laidOver(
    { policy: DEFAULT_POLICY, domain: DEFAULT_DOMAIN },
    draft.head,
    [],
    complain,
  );
  const variants = draft.variants.length > 0 ? draft.variants : [undefined];
  return variants.map((variant) => {
    const world = variant ? laidOver(base, variant.fields, variant.path, complain) : base;
    const own = variant?.fields.requirements;
    const scenario: Scenario = {
      id: variant ? `${id}@${variant.name}` : id,
      file,
      title: variant?.fields.title ?? title,
      why,
      requirements: own ?? requirements,
      needs,
      ...world,
      stages: resolveStages(draft.steps, world, variant, vocabulary, complain),
    };
    const place = own && variant ? [...variant.path, 'requirements'] : ['requirements'];
    // Only what is whole can tell whether anything is asked for.
    if (scenario.stages.length === draft.steps.length)
      checkRequirements(scenario, place, vocabulary, complain);
    return scenario;
  });
}

interface World {
  readonly policy: PolicySpec;
  readonly domain: DomainSpec;
}

function laidOver(
  { policy, domain }: World,
  change: { policy?: PolicyChange; domain?: DomainChange },
  path: Path,
  complain: Complain,
): World {
  checkMode(policy, change.policy, [...path, 'policy'], complain);
  return {
    policy: changePolicy(policy, change.policy ?? {}),
    domain: { ...domain, ...change.domain },
  };
}

/**
 * What is given anew takes the place of a verbatim form inherited: fields that of the file, the id
 * that of the record.
 */
function changePolicy({ text, record, ...fields }: PolicySpec, change: PolicyChange): PolicySpec {
  const keepsText =
    change.mode === undefined && change.maxAgeSeconds === undefined && change.mx === undefined;
  return {
    ...fields,
    ...(text !== undefined && keepsText && { text }),
    ...(record !== undefined && change.id === undefined && { record }),
    ...change,
  };
}

function checkMode(
  before: PolicySpec,
  change: PolicyChange | undefined,
  path: Path,
  complain: Complain,
): void {
  if (before.mode === 'absent' && change && change.mode === undefined)
    complain(path, 'mode is missing: the policy so far is absent');
}

/** Those up to the first that cannot be read: it may have changed the world. */
function resolveStages(
  drafts: readonly (DraftStep | undefined)[],
  start: World,
  variant: DraftVariant | undefined,
  vocabulary: Vocabulary,
  complain: Complain,
): Stage[] {
  let world = start;
  let place = policyPlace(variant?.fields.policy, variant?.path) ??
    policyPlace(start.policy) ?? ['policy'];
  const honest: Honest[] = [];
  const steps: Step[] = [];
  const attacks: (readonly Spliced[])[] = [];
  const expected: (readonly Spliced[])[] = [];
  for (const [index, draft] of drafts.entries()) {
    if (draft === undefined) break;
    if (draft.kind === 'publish') {
      world = published(draft, index, world, variant, complain);
      const { policy } = draft.fields;
      place =
        (policy === VARIANT
          ? policyPlace(variant?.fields.publish?.policy, [...(variant?.path ?? []), 'publish'])
          : policyPlace(policy, draft.path)) ?? place;
    }
    honest.push({ plan: baselinePlan(world.domain, world.policy), place });
    const under = splice(draft.under, variant?.under);
    const expect = splice(draft.expect, variant?.expect);
    attacks.push(under);
    expected.push(expect);
    checkAttacks(honest.at(-1)!.plan, under, vocabulary.attacks, complain);
    // What cannot be read may be what a later attack builds on.
    const readable = under.slice(0, under.findIndex(({ use }) => typeof use !== 'object') >>> 0);
    steps.push(
      resolveStep(draft, world, {
        under: usesIn(readable),
        expect: usesIn(expect).map(toExpectation),
        form: variant?.fields.message,
      }),
    );
  }
  const stages = compileStages(start, steps, vocabulary, ({ step, nth, message }) =>
    complain(attacks[step]![nth]!.path, message),
  );
  checkDestinations(stages, drafts, complain);
  checkHosts(stages, expected, vocabulary, complain);
  checkPermitted(stages, honest, complain);
  for (const [index, { plan }] of stages.entries()) {
    const foreign = plan && namesIn(plan).find((name) => !/\.test\.?$/i.test(name));
    const place = attacks[index]!.at(-1)?.path;
    if (foreign !== undefined && place) complain(place, 'only .test names', { found: foreign });
  }
  return stages;
}

/** Where a policy says which hosts it permits; undefined: it says nothing of that. */
function policyPlace(change: PolicyChange | undefined, path: Path = []): Path | undefined {
  const key = (['text', 'mx'] as const).find((one) => change?.[one] !== undefined);
  return key && [...path, 'policy', key];
}

function resolveStep(
  step: DraftStep,
  world: World,
  { form, ...lists }: { under: RawUse[]; expect: ExpectationUse[]; form?: MessageForm },
): Step {
  switch (step.kind) {
    case 'prime':
      return { kind: 'prime', label: step.fields.prime };
    case 'send': {
      const { send, observe, messages, atOnce, to, message, keepConnections } = step.fields;
      const [first = VICTIM, ...also] = [to].flat();
      return {
        kind: 'send',
        label: send,
        ...lists,
        ...(observe && { observe }),
        messages,
        ...(atOnce && { atOnce }),
        ...(message && { message: message === VARIANT ? form : message }),
        to: first,
        ...(also.length > 0 && { also }),
        keepConnections,
      };
    }
    case 'publish':
      return {
        kind: 'publish',
        label: step.fields.publish,
        ...world,
        keepConnections: step.fields.keepConnections,
      };
    case 'advance':
      return {
        kind: 'advance',
        label: `advance ${step.fields.advance}s`,
        seconds: step.fields.advance,
        isOptional: step.fields.optional,
      };
    case 'restart':
      return { kind: 'restart', label: step.fields.restart };
    case 'flush':
    case 'refresh':
      return {
        kind: step.kind,
        label: step.kind === 'flush' ? step.fields.flush : step.fields.refresh,
        ...lists,
        ...(step.fields.observe && { observe: step.fields.observe }),
      };
    case 'recover':
      return { kind: 'recover', label: step.fields.recover };
    case 'wait':
      return { kind: 'wait', label: `wait ${step.fields.wait}s`, seconds: step.fields.wait };
  }
}

/**
 * RFC 8461 §3.1: only a new id tells senders that the policy is new, so every publish step makes
 * one unless it gives one.
 */
function published(
  step: DraftStep & { kind: 'publish' },
  index: number,
  world: World,
  variant: DraftVariant | undefined,
  complain: Complain,
): World {
  const { policy, domain } = step.fields;
  const part = variant?.fields.publish;
  const change = policy === VARIANT ? part?.policy : policy;
  checkMode(
    world.policy,
    change,
    policy === VARIANT && variant
      ? [...variant.path, 'publish', 'policy']
      : [...step.path, 'policy'],
    complain,
  );
  return {
    policy: changePolicy(world.policy, { id: `step${index + 1}`, ...change }),
    domain: { ...world.domain, ...(domain === VARIANT ? part?.domain : domain) },
  };
}

function splice(list: readonly Spliced[], variants: readonly Spliced[] = []): Spliced[] {
  return list.flatMap((item) => (item.use === VARIANT ? variants : [item]));
}

function usesIn(list: readonly Spliced[]): RawUse[] {
  return list.map(({ use }) => use).filter((use): use is RawUse => typeof use === 'object');
}

function toExpectation({ name, options }: RawUse): ExpectationUse {
  const { grade, requirement, for: domain, ...own } = options;
  return {
    name,
    options: own,
    ...(grade !== undefined && { grade: 'warn' }),
    ...(typeof domain === 'string' && { for: domain }),
    ...(typeof requirement === 'string' && { requirement }),
  };
}

/** A requirement that is named, and that nothing in the scenario can find broken, is not asked. */
function checkRequirements(
  { requirements, stages }: Scenario,
  path: Path,
  { expectations }: Vocabulary,
  complain: Complain,
): void {
  const uses = stages.flatMap(({ step }) =>
    isJudged(step)
      ? step.expect
      : step.kind === 'recover'
        ? [{ name: 'recovered', options: {}, requirement: undefined }]
        : [],
  );
  // Told of the whole file.
  if (uses.length === 0) return;
  const asked = new Set(
    uses.flatMap(({ name, options, requirement }) => {
      const expectation = expectations.get(name);
      return [
        requirement ?? expectation?.requirement ?? requirements[0],
        ...(expectation?.cites?.(options) ?? []),
      ];
    }),
  );
  for (const [index, requirement] of requirements.entries())
    if (!asked.has(requirement))
      complain(
        [...path, index],
        'no expectation of this scenario can find this requirement broken',
        {
          found: requirement,
        },
      );
}

function checkOrder(steps: readonly (DraftStep | undefined)[], complain: Complain): void {
  for (const [index, step] of steps.entries()) {
    if (step === undefined) return;
    if (step.kind === 'send') return;
    if (step.kind === 'recover' || step.kind === 'flush')
      complain(
        ['steps', index],
        `${step.kind} needs something queued, and nothing was sent before`,
      );
  }
}

/** What asks nothing of the sender finds nothing broken, and every sender would pass it. */
function checkExpected(steps: readonly (DraftStep | undefined)[], complain: Complain): void {
  const asks = (step: DraftStep | undefined) =>
    // One that cannot be read may have asked for something.
    step === undefined || step.kind === 'recover' || step.expect.length > 0;
  if (steps.length > 0 && !steps.some(asks))
    complain(
      ['steps'],
      'nothing is expected of the sender: give a step `expect`, or end with recover',
      { part: 'key' },
    );
}

/**
 * Every `$variant` has something to stand for in every variant, and nothing of a variant is left
 * unused.
 */
function checkVariants({ steps, variants }: Draft, complain: Complain): void {
  if (variants === undefined) return;
  const readable = steps.filter((step) => step !== undefined);
  const takings = readable.flatMap(partsTaken);
  const taken = new Set(takings.map(({ part }) => part));
  if (variants.length === 0)
    for (const { path } of takings) complain(path, 'this file has no variants', { found: VARIANT });
  for (const variant of variants) {
    const given = partsGiven(variant);
    for (const part of taken) {
      if (!given.has(part))
        complain(variant.path, `this variant has no ${part}, which a step takes from it`, {
          part: 'key',
        });
    }
    if (readable.length < steps.length) continue;
    for (const part of given) {
      const path = part.split('.');
      if (!taken.has(part))
        complain(
          [...variant.path, ...path],
          `no step takes this: write ${path.at(-1)}: ${VARIANT}`,
          {
            part: 'key',
          },
        );
    }
  }
}

function partsTaken(step: DraftStep): { part: string; path: Path }[] {
  const lists = (['under', 'expect'] as const).flatMap((part) =>
    step[part].filter(({ use }) => use === VARIANT).map(({ path }) => ({ part, path })),
  );
  if (step.kind === 'send' && step.fields.message === VARIANT)
    return [...lists, { part: 'message', path: [...step.path, 'message'] }];
  if (step.kind !== 'publish') return lists;
  const parts = (['policy', 'domain'] as const).filter((part) => step.fields[part] === VARIANT);
  return parts.map((part) => ({ part: `publish.${part}`, path: [...step.path, part] }));
}

function partsGiven({ fields }: DraftVariant): Set<string> {
  const { under, expect, message, publish } = fields;
  const given = {
    under,
    expect,
    message,
    'publish.policy': publish?.policy,
    'publish.domain': publish?.domain,
  };
  return new Set(
    Object.entries(given).flatMap(([part, value]) => (value === undefined ? [] : [part])),
  );
}
