/** Options of every attack on MX hosts: which of them, and which of their connections. */

import { lines, nth } from '../model/plan.ts';

export const whichMx = {
  mx: lines.default('*').describe('MX host, or list of them; * is every MX host of the domain.'),
  nth: nth.optional().describe('Only these connections, counted from 1 within a step.'),
};
