/**
 * Reading a list of known failures, `known.yaml`: a map of scenarios to the reason for which they
 * fail. Every problem is found at once, each with its place.
 */

import { resolve } from 'node:path';
import { z } from 'zod';
import { DAY, type KnownFailure } from '../model/known.ts';
import { scenarioFileId } from '../model/reporter.ts';
import { selects } from '../model/selection.ts';
import { nameFrom, readText } from '../yaml/file.ts';
import { parsePart, startComplaints } from '../yaml/issues.ts';
import { inOrder, type Problem } from '../yaml/problems.ts';
import { isMapping, readSource } from '../yaml/source.ts';

/** What stands where nobody has written the reason yet. */
export const TO_DO = 'TODO';

export interface LoadedKnown {
  readonly entries: readonly KnownFailure[];
  readonly problems: readonly Problem[];
}

const text = z.string().trim().min(1);

const entry = z.strictObject({
  reason: text,
  link: z.httpUrl('expected the http or https URL of a page that says more').optional(),
  until: z
    .string(
      'a version goes in quotes: 3.10 without them is the number 3.1; a day is written 2026-11-30',
    )
    .superRefine((until, context) => {
      const message = wrongUntil(until);
      if (message !== undefined) context.addIssue({ code: 'custom', message, input: until });
    })
    .optional(),
});

/** A day in any other form would be a version, and no sender's version comes after it. */
const OTHER_DAY =
  /^(20\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])|20\d\d\.(0?[1-9]|1[0-2])\.([0-2]?\d|3[01])|[0-3]?\d\.[0-3]?\d\.20\d\d)$/;

function wrongUntil(until: string): string | undefined {
  if (DAY.test(until)) return isThere(until) ? undefined : `there is no day ${until}`;
  if (OTHER_DAY.test(until)) return `a day is written 2026-11-30, and not ${until}`;
  if (/^\d+(\.\w+)*$/.test(until)) return undefined;
  return "expected a day (2027-06-30) or a version in quotes ('3.11')";
}

/** A Date takes the 31st of February for the 3rd of March. */
function isThere(day: string): boolean {
  const date = new Date(day);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}

/**
 * The list in a file. `ids` are those of all scenarios that it may name. A relative path starts at
 * `cwd`, and problems name files as seen from there.
 */
export async function loadKnown(
  path: string,
  cwd: string,
  ids: readonly string[],
): Promise<LoadedKnown> {
  const found = resolve(cwd, path);
  const file = nameFrom(cwd, found);
  const { text, problems: unread } = await readText(found, file, 'known.yaml');
  if (text === undefined) return { entries: [], problems: unread };
  const { source, problems: flaws } = readSource(text, file, 'known.yaml');
  if (source === undefined) return { entries: [], problems: inOrder(flaws) };
  const { complain, problems } = startComplaints(source);
  const { value } = source;
  // A list in which nothing is listed yet.
  if (value === null) return { entries: [], problems: inOrder(flaws) };
  if (!isMapping(value)) {
    complain([], 'a list of known failures is a map: scenario, variant or pattern to its reason', {
      found: value,
    });
    return { entries: [], problems: inOrder([...flaws, ...problems]) };
  }
  const entries = Object.entries(value).flatMap(([scenarios, given]): KnownFailure[] => {
    if (!ids.some((id) => selects(scenarios, id)))
      complain([scenarios], 'no scenario is called that', {
        part: 'key',
        found: scenarios,
        meant: [...new Set([...ids.map(scenarioFileId), ...ids])],
      });
    else if (isAnything(scenarios) || (ids.length > 1 && ids.every((id) => selects(scenarios, id))))
      complain(
        [scenarios],
        'selects every scenario or variant, and no failure would be seen any more',
        {
          part: 'key',
          found: scenarios,
        },
      );
    const read = parsePart(entry, given, [scenarios], complain);
    const { line } = source.locate([scenarios], 'key');
    return read ? [{ scenarios, ...read, file, line }] : [];
  });
  return { entries, problems: inOrder([...flaws, ...problems]) };
}

/** A pattern that names nothing: `*`, `*@*`. */
const isAnything = (pattern: string) => /^[*@/]+$/.test(pattern);

/** What `lint` has against a list that can be read: reasons that nobody has written. */
export function unwritten(entries: readonly KnownFailure[]): Problem[] {
  return entries
    .filter(({ reason }) => reason.startsWith(TO_DO))
    .map(({ file, line, scenarios }) => ({
      file,
      line,
      column: 1,
      message: `${scenarios}: the reason is still to be written`,
    }));
}
