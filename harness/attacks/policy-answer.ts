/**
 * The policy host answers the request for the policy otherwise: any part of the page, the whole
 * answer byte by byte, or only what some requests get (RFC 8461 §3.3, RFC 9110). The general form
 * of policy-status, policy-body and their like.
 */

import type { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { nth, page } from '../model/plan.ts';
import { changePage, overlay } from '../model/plan-changes.ts';

const options = page
  .omit({ requests: true })
  .partial()
  .extend({ nth: nth.optional().describe('Only these requests, counted from 1 within a step.') })
  .refine((given) => Object.keys(given).some((key) => key !== 'nth'), 'say what is answered');

export const attack: Attack<z.output<typeof options>> = {
  summary: 'Changes any part of the answer to the request for the policy',
  options,
  example: [
    '- policy-answer: { coding: gzip, informational: [103] }',
    '- policy-answer: { status: 503, nth: [1] }',
    String.raw`- policy-answer: { answer: "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n{body}" }`,
    String.raw`- policy-answer: { taken: never, answer: "HTTP/1.1 200\r\nContent-Length: many\r\n\r\n{body}" }`,
  ].join('\n'),
  apply: (plan, { nth, ...change }) =>
    changePage(plan, (page) => overlay(page, change), undefined, nth),
};
