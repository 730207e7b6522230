/**
 * Durations as a YAML file writes them: `90s`, `5m`, `1h`, `1d`, `1w`, or plain seconds.
 */

import { z } from 'zod';

const UNIT_SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };
const DURATION = 'expected seconds, or a number and its unit: 90s, 5m, 1h, 1d, 1w';

/** Seconds. */
export const duration = z
  .union(
    [
      z.int().min(0).describe('Seconds.'),
      z
        .string()
        .regex(/^[0-9]{1,9}[smhdw]$/, DURATION)
        .describe('A number and its unit: 90s, 5m, 1h, 1d, 1w.'),
    ],
    DURATION,
  )
  .transform((value) => {
    if (typeof value === 'number') return value;
    return Number(value.slice(0, -1)) * UNIT_SECONDS[value.at(-1) as keyof typeof UNIT_SECONDS];
  });
