/**
 * Durations as a YAML file writes them: `90s`, `5m`, `1h`, `1d`, `1w`, or plain seconds.
 */

import { z } from 'zod';

const UNIT_SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };
const DURATION = 'expected whole seconds, or a whole number and its unit: 90s, 5m, 1h, 1d, 1w';

/** Seconds. */
export const duration = z
  .union(
    [
      z.int().min(0).describe('Seconds.'),
      z
        .string()
        .regex(/^[0-9]{1,9}[smhdw]$/, DURATION)
        .describe('A whole number and its unit: 90s, 5m, 1h, 1d, 1w.'),
    ],
    DURATION,
  )
  .transform((value) => (typeof value === 'number' ? value : secondsIn(value)));

/** Seconds, and no more than `longest`, written like a duration; `because` is told with that. */
export function atMost(longest: string, because?: string) {
  const message = `expected no more than ${longest}${because ? `: ${because}` : ''}`;
  return duration.refine((seconds) => seconds <= secondsIn(longest), message);
}

function secondsIn(text: string): number {
  return Number(text.slice(0, -1)) * UNIT_SECONDS[text.at(-1) as keyof typeof UNIT_SECONDS];
}
