/**
 * The JSON Schema of scenario files (draft 2020-12), with which editors complete, explain and check
 * them as they are written.
 */

import { z } from 'zod';
import type { Vocabulary } from './language.ts';
import { BARE_STEPS, language } from './language.ts';
import type { Words } from './uses.ts';
import { attackWords, expectationWords, factName, requirementId } from './uses.ts';

/**
 * Made from the schemas that the loader reads by. What needs the whole file, such as an attack on a
 * host it lacks, only the loader sees.
 */
export function scenarioJsonSchema(vocabulary: Vocabulary): object {
  const requirement = requirementId(vocabulary);
  const { file, steps } = language({
    attack: useOf(attackWords(vocabulary)),
    expectation: useOf(expectationWords(vocabulary, requirement)),
    fact: factName(vocabulary),
    requirement,
  });
  const bare = z.enum(BARE_STEPS).describe('A step that needs nothing but its name.');
  const step = z.union([bare, ...Object.values(steps)]).meta({ id: 'step' });
  return z.toJSONSchema(file(step).meta({ title: 'Holdfast scenario' }), {
    target: 'draft-2020-12',
    io: 'input',
  });
}

/** A bare name where no option is required, or a map of one name to its options. */
function useOf({ what, known }: Words): z.ZodType {
  const words = [...known];
  const bare = words
    .filter(([, { options }]) => options.safeParse({}).success)
    .map(([name, { summary }]) => z.literal(name).describe(summary));
  const withOptions = words.map(([name, { summary, options, shorthand }]) => {
    const short = shorthand === undefined ? undefined : options.shape[shorthand];
    return [
      name,
      (short ? z.union([short, options]) : options).optional().describe(summary),
    ] as const;
  });
  const map = z
    .strictObject(Object.fromEntries(withOptions))
    .meta({ minProperties: 1, maxProperties: 1 });
  return z.union([...bare, map]).meta({ id: what, description: `One ${what}.` });
}
