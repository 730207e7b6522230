/**
 * Reading: the value of a file as a draft, which is all of it that can be read, with the places
 * that later problems will point at.
 */

import { z } from 'zod';
import type { Complain } from '../yaml/issues.ts';
import { parseKeys, parsePart } from '../yaml/issues.ts';
import { isMapping, type Path, type Source } from '../yaml/source.ts';
import type { Language, StepKind, Vocabulary } from './language.ts';
import { BARE_STEPS, language } from './language.ts';
import type { Spliced, Words } from './uses.ts';
import { attackWords, expectationWords, factName, readUses, requirementId } from './uses.ts';

/** All that reading takes from a vocabulary; made once for any number of files. */
export interface Grammar {
  readonly file: ReturnType<Language['file']>;
  readonly steps: Language['steps'];
  readonly attacks: Words;
  readonly expectations: Words;
}

export function grammarOf(vocabulary: Vocabulary): Grammar {
  const requirement = requirementId(vocabulary);
  const { file, steps } = language({
    attack: z.unknown(),
    expectation: z.unknown(),
    fact: factName(vocabulary),
    requirement,
  });
  return {
    file: file(z.unknown()),
    steps,
    attacks: attackWords(vocabulary),
    expectations: expectationWords(vocabulary, requirement),
  };
}

export interface Draft {
  /** Each key that can be read; a key without a default may also be missing. */
  readonly head: Partial<Head>;
  /** undefined: given, but cannot be read. */
  readonly variants: readonly DraftVariant[] | undefined;
  /** undefined: cannot be read. */
  readonly steps: readonly (DraftStep | undefined)[];
  /** Policy and domain are as the author wants them, so plans can be made. */
  readonly hasWorld: boolean;
}

type Head = z.output<ReturnType<Language['file']>>;

export interface DraftVariant {
  readonly name: string;
  readonly path: Path;
  readonly fields: NonNullable<Head['variants']>[string];
  readonly under: readonly Spliced[];
  readonly expect: readonly Spliced[];
}

export type DraftStep = {
  [K in StepKind]: {
    readonly kind: K;
    readonly path: Path;
    readonly fields: z.output<Language['steps'][K]>;
    readonly under: readonly Spliced[];
    readonly expect: readonly Spliced[];
  };
}[StepKind];

/** undefined: the file is no map. Everything that cannot be read is told. */
export function readDraft(
  { value }: Source,
  grammar: Grammar,
  complain: Complain,
): Draft | undefined {
  if (value === null) {
    complain([], 'an empty file holds no scenario');
    return undefined;
  }
  if (!isMapping(value)) {
    complain([], 'a scenario is a map with title, why, requirements and steps', { found: value });
    return undefined;
  }
  const head: Partial<Head> = parseKeys(grammar.file, value, complain);
  return {
    head,
    variants: readVariants(value.variants, head.variants, grammar, complain),
    steps: Array.isArray(value.steps)
      ? value.steps.map((step, index) => readStep(step, ['steps', index], grammar, complain))
      : [],
    hasWorld: (['policy', 'domain'] as const).every(
      (key) => value[key] === undefined || head[key] !== undefined,
    ),
  };
}

function readVariants(
  raw: unknown,
  variants: Head['variants'],
  grammar: Grammar,
  complain: Complain,
): DraftVariant[] | undefined {
  if (raw === undefined) return [];
  if (!isMapping(raw)) return undefined;
  const drafts = Object.entries(raw).map(([name, value]) => {
    const path = ['variants', name];
    return {
      name,
      path,
      fields: variants?.[name] ?? {},
      ...readLists(value, path, grammar, complain),
    };
  });
  return variants && drafts;
}

function readStep(
  step: unknown,
  path: Path,
  grammar: Grammar,
  complain: Complain,
): DraftStep | undefined {
  const { steps } = grammar;
  const kinds = Object.keys(steps) as StepKind[];
  if (typeof step === 'string') return readBareStep(step, path, kinds, complain);
  if (!isMapping(step)) {
    complain(path, 'expected a step', { found: step, allowed: kinds });
    return undefined;
  }
  const keys = Object.keys(step);
  const [kind, ...others] = kinds
    .filter((one) => keys.includes(one))
    .sort((a, b) => keys.indexOf(a) - keys.indexOf(b));
  if (kind === undefined) {
    const companions = new Set(Object.values(steps).flatMap((schema) => Object.keys(schema.shape)));
    const stranger = keys.find((key) => !companions.has(key));
    if (stranger === undefined)
      complain(path, 'this step does not say what happens', { allowed: kinds });
    else
      complain([...path, stranger], 'unknown step', {
        part: 'key',
        found: stranger,
        allowed: kinds,
      });
    readLists(step, path, grammar, complain);
    return undefined;
  }
  const lists = readLists(step, path, grammar, complain);
  if (others.length > 0) {
    for (const other of others)
      complain([...path, other], `one step is one thing, and this one is ${kind} already`, {
        part: 'key',
        found: other,
      });
    return undefined;
  }
  const fields = parsePart<z.ZodType>(steps[kind], step, path, complain);
  return fields ? ({ kind, path, fields, ...lists } as unknown as DraftStep) : undefined;
}

function readBareStep(
  word: string,
  path: Path,
  kinds: readonly StepKind[],
  complain: Complain,
): DraftStep | undefined {
  const kind = kinds.find((one) => one === word);
  if (kind === undefined) {
    complain(path, 'unknown step', { found: word, allowed: kinds });
    return undefined;
  }
  if (!(BARE_STEPS as readonly StepKind[]).includes(kind)) {
    complain(path, `${kind} needs a value: { ${kind}: … }`, { found: word });
    return undefined;
  }
  return { kind, path, fields: { [kind]: kind }, under: [], expect: [] } as unknown as DraftStep;
}

function readLists(
  value: unknown,
  path: Path,
  { attacks, expectations }: Grammar,
  complain: Complain,
) {
  const { under, expect } = isMapping(value) ? value : {};
  return {
    under: readUses(under, [...path, 'under'], attacks, complain),
    expect: readUses(expect, [...path, 'expect'], expectations, complain),
  };
}
