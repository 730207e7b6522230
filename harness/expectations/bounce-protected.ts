/**
 * RFC 8689 §5: the bounce of a message that asked for REQUIRETLS is protected as that was. It asks
 * for REQUIRETLS itself, goes over authenticated TLS, and returns no more than the header. One that
 * names nothing of the message but its Message-ID may go in any way.
 */

import { z } from 'zod';
import type { StepView } from '../model/evidence.ts';
import { asksForTls, isOffered } from '../model/requiretls.ts';
import { isHome, ofKind, type Seen, type Session, seqs, sessionsOf } from '../model/traffic.ts';
import type { Expectation, Judgement } from '../model/verdict.ts';

const options = z.strictObject({
  arrives: z
    .boolean()
    .default(true)
    .describe('whether it must have come home; false: the way there is no good'),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'the bounce of a message with REQUIRETLS is protected as that was',
  options,
  shorthand: 'arrives',
  example: '- bounce-protected: false',
  requirement: '8689-5-bounce-protect',
  awaits: ['bounce'],
  describe: ({ arrives }) =>
    arrives ? 'returned by a protected bounce' : 'no bounce that is not protected',
  judge(view, { arrives }) {
    if (!view.trial.sender.capabilities.includes('dsn'))
      return { status: 'unsupported', actual: 'the sender declares no DSN', because: [] };
    const sessions = sessionsOf(view.own.whole).filter(({ mx }) => isHome(mx));
    const bounces = sessions.flatMap((session) =>
      bouncesIn(session, view).map((content) => ({ session, content })),
    );
    const wrong = bounces.flatMap((bounce) => faultOf(bounce) ?? []);
    if (wrong[0]) return wrong[0];
    if (bounces.length > 0)
      return {
        status: 'met',
        actual: 'the bounce was protected',
        because: seqs(bounces.map(({ content }) => content)),
      };
    if (arrives || sessions.length === 0)
      return {
        status: 'undecided',
        actual: sessions.length === 0 ? 'no bounce was on its way' : 'no bounce came home',
        because: [],
      };
    return {
      status: 'met',
      actual: 'the bounce was not sent over a way that is no good',
      because: seqs(sessions.map(({ opened }) => opened)),
    };
  },
};

/** What was sent home of these messages, or about them. */
function bouncesIn({ seen }: Session, { tokens }: StepView): Seen<'smtp-data'>[] {
  return ofKind(seen, 'smtp-data').filter((content) =>
    content.tokens.some((token) => tokens.includes(token)),
  );
}

function faultOf({
  session,
  content,
}: {
  readonly session: Session;
  readonly content: Seen<'smtp-data'>;
}): Judgement | undefined {
  if (content.quotes === undefined) return undefined;
  const mail = session.commands.findLast(({ verb, seq }) => verb === 'MAIL' && seq < content.seq);
  const unmet = { status: 'unmet', because: seqs(mail ? [mail, content] : [content]) } as const;
  if (!content.secure)
    return { ...unmet, actual: 'the header of the message went home in clear', harm: 'clear' };
  if (!content.authenticated)
    return {
      ...unmet,
      actual: 'the header of the message went home over unauthenticated TLS',
      harm: 'content',
    };
  if (content.quotes === 'body')
    return { ...unmet, actual: 'the bounce returns the body of the message' };
  // Where the way home does not offer it, a bounce SHOULD NOT be dropped for that.
  if (mail && isOffered(session, mail) && !asksForTls(mail))
    return { ...unmet, actual: 'the bounce does not ask for REQUIRETLS, which was offered' };
  return undefined;
}
