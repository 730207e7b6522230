/**
 * RFC 3207 §4.2: what was learned before TLS is forgotten; MAIL carries no parameter that EHLO
 * inside TLS did not offer.
 */

import { z } from 'zod';
import { outcomeIn, type StepView } from '../model/evidence.ts';
import { ofKind, seqs } from '../model/traffic.ts';
import type { Expectation, Judgement } from '../model/verdict.ts';
import { parsePath } from '../protocol/smtp.ts';

const options = z.strictObject({
  without: z
    .string()
    .describe('a parameter keyword that MAIL inside TLS must not carry, e.g. SIZE'),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'MAIL inside TLS uses no capability from before TLS',
  options,
  shorthand: 'without',
  example: '- command-parameters: SIZE',
  requirement: '3207-4.2-discard-server-knowledge',
  standsAlone: true,
  describe: ({ without }) => `MAIL without ${without} inside TLS`,
  judge(view, { without }) {
    const mails = ofKind(view.now, 'smtp-command').filter(
      (seen) => seen.verb === 'MAIL' && seen.secure,
    );
    if (mails.length === 0) return judgeGivenUp(view);
    const carrying = mails.filter((seen) => keywordsOf(seen.line).includes(without.toUpperCase()));
    if (carrying.length > 0)
      return { status: 'unmet', actual: carrying[0]!.line, because: seqs(carrying) };
    return { status: 'met', actual: mails[0]!.line, because: seqs(mails) };
  },
};

/** Who returns the message once it has heard what is offered inside TLS has used none of it. */
function judgeGivenUp(view: StepView): Judgement {
  const outcomes = view.tokens.map((token) => outcomeIn(view, token));
  const bounces = outcomes.flatMap((one) => (one.kind === 'bounced' ? [one.by] : []));
  const heard = ofKind(view.now, 'smtp-command').find(
    ({ verb, secure }) => verb === 'EHLO' && secure,
  );
  if (!heard || bounces.length === 0 || bounces.length < outcomes.length)
    return { status: 'undecided', actual: 'no MAIL inside TLS', because: [] };
  return {
    status: 'met',
    actual: 'given up after EHLO inside TLS',
    because: seqs([heard, ...bounces]),
  };
}

function keywordsOf(line: string): string[] {
  const path = parsePath(line.replace(/^MAIL\s+/i, ''));
  return path.ok ? [...path.value.parameters.keys()].map((keyword) => keyword.toUpperCase()) : [];
}
