/**
 * Options of every attack on MX hosts: which of them, and which of their connections; and of those
 * that change a reply.
 */

import { lines, nth, replyPlan } from '../model/plan.ts';

export const whichMx = {
  mx: lines.default('*').describe('MX host, or list of them; * is every MX host of the domain.'),
  nth: nth.optional().describe('Only these connections, counted from 1 within a step.'),
};

/** Some part of a reply is given. */
export const isReply = (given: object): boolean =>
  Object.keys(replyPlan.shape).some((key) => key in given);
export const SAY_REPLY = 'say text, bytes, pace, then, delayMs or untilSpoken';
