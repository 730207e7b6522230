/**
 * RFC 3207 §4, §4.1, §4.2, §6: nothing is pipelined behind STARTTLS, a handshake comes next, the
 * first command inside TLS is EHLO and waits for its own reply, STARTTLS is not said again inside
 * TLS, a broken handshake ends the connection, and QUIT one that is not secure enough.
 */

import { z } from 'zod';
import { CUT_FOR_SILENCE, type Observation } from '../model/observation.ts';
import { ofKind, type Seen, type Session, seqs, sessionsOf } from '../model/traffic.ts';
import type { Expectation } from '../model/verdict.ts';

const RULES = {
  'ehlo-first': { requirement: '3207-4.2-re-ehlo', text: 'EHLO first inside TLS' },
  'waits-inside-tls': {
    requirement: '3207-6-response-injection',
    text: 'no reply from before TLS taken for one inside it',
  },
  'no-second-starttls': { requirement: '3207-4.2-no-double-tls', text: 'no STARTTLS inside TLS' },
  'nothing-pipelined': {
    requirement: '3207-4-pipelining-last',
    text: 'nothing sent behind STARTTLS before its reply',
  },
  'no-parameters': { requirement: '3207-4-no-params', text: 'STARTTLS without parameters' },
  'handshake-next': {
    requirement: '3207-4-start-tls-first',
    text: 'no command in clear between the 220 and the handshake',
  },
  'dropped-without-tls': {
    requirement: '3207-4-abort-on-no-handshake',
    text: 'nothing more said on a connection whose handshake came to nothing',
  },
  'quit-if-not-enough': {
    requirement: '3207-4.1-quit',
    text: 'QUIT, or an alert, where TLS is not secure enough',
  },
} as const;
type Rule = keyof typeof RULES;

const options = z.strictObject({
  rule: z.enum(Object.keys(RULES) as [Rule, ...Rule[]]).describe('which of the rules of RFC 3207'),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'the sender speaks STARTTLS as RFC 3207 has it',
  options,
  shorthand: 'rule',
  example: '- starttls-clean: ehlo-first',
  cites: ({ rule }) => [RULES[rule].requirement],
  standsAlone: true,
  describe: ({ rule }) => RULES[rule].text,
  judge(view, { rule }) {
    const sessions = sessionsOf(view.now).filter((session) =>
      session.commands.some((command) => command.verb === 'STARTTLS'),
    );
    const inside = ofKind(view.now, 'smtp-command').filter((command) => command.secure);
    if (sessions.length === 0)
      return { status: 'undecided', actual: 'the sender never said STARTTLS', because: [] };
    const broken = sessions.flatMap((session) => breaches[rule](session));
    const { requirement } = RULES[rule];
    if (broken.length > 0)
      return {
        status: 'unmet',
        actual: broken.map(tell).join(' · '),
        because: seqs(broken),
        requirement,
      };
    // RFC 3207 §4: bytes behind the 220 may as well spoil the handshake; what counts is that no
    // mail follows in clear.
    const brokeOff = sessions.every(
      (session) => session.handshake && !session.commands.some(({ verb }) => MAIL.includes(verb)),
    );
    if (rule === 'waits-inside-tls' && inside.length === 0 && brokeOff)
      return {
        status: 'met',
        actual: 'the connection was given up',
        because: seqs(sessions.flatMap(({ handshake }) => handshake ?? [])),
        requirement,
      };
    const proof = PROOFS[rule] && sessions.flatMap(PROOFS[rule]);
    if (proof && proof.length > 0)
      return { status: 'met', actual: RULES[rule].text, because: seqs(proof), requirement };
    if (proof)
      return { status: 'undecided', actual: 'it did not come to that', because: [], requirement };
    if (rule !== 'nothing-pipelined' && rule !== 'no-parameters' && inside.length === 0) {
      return {
        status: 'undecided',
        actual: 'nothing was said inside TLS',
        because: [],
        requirement,
      };
    }
    return {
      status: 'met',
      actual: RULES[rule].text,
      because: seqs(inside.slice(0, 1)),
      requirement,
    };
  },
};

type Breach = Seen<'smtp-command'> | Seen<'smtp-closed'>;

function tell(breach: Breach): string {
  if (breach.kind === 'smtp-command') return breach.line;
  return breach.by === 'sender'
    ? `hung up: ${breach.how}`
    : 'not a word more, until the lab had enough';
}

const MAIL: readonly string[] = ['MAIL', 'RCPT', 'DATA'];

/**
 * RFC 3207 §4.1: QUIT may come first. The first command inside TLS answers no reply there, so that
 * it cannot be early; the second can. And what is pipelined after a refusal of STARTTLS stands
 * behind a reply.
 */
const breaches: Readonly<Record<Rule, (session: Session) => Breach[]>> = {
  'ehlo-first': ({ commands }) =>
    commands
      .filter((command) => command.secure)
      .slice(0, 1)
      .filter(({ verb }) => verb !== 'EHLO' && verb !== 'QUIT'),
  // The path holds its first reply inside TLS back: who goes on, or goes, has read another one.
  'waits-inside-tls': ({ seen, commands }) => [
    ...commands
      .filter((command) => command.secure)
      .slice(1, 2)
      .filter((command) => command.early),
    ...ofKind(seen, 'smtp-closed').filter(({ by, held }) => by === 'sender' && held === 'EHLO'),
  ],
  'no-second-starttls': ({ commands }) =>
    commands.filter((command) => command.secure && command.verb === 'STARTTLS'),
  'nothing-pipelined': ({ commands }) => {
    const at = commands.findIndex((command) => command.verb === 'STARTTLS');
    return commands.slice(at + 1, at + 2).filter((command) => !command.secure && command.early);
  },
  'no-parameters': ({ commands }) =>
    commands.filter(
      (command) => command.verb === 'STARTTLS' && command.line.trim().toUpperCase() !== 'STARTTLS',
    ),
  'handshake-next': (session) =>
    spoken(session).filter(({ at, early }) => !early && !isTried(session, at)),
  'dropped-without-tls': (session) => spoken(session).filter(({ at }) => isTried(session, at)),
  'quit-if-not-enough': (session) =>
    isNotEnough(session) && endings(session).length === 0
      ? ofKind(session.seen, 'smtp-closed').filter(
          ({ by, how }) => by === 'sender' || (how === CUT_FOR_SILENCE && isSilentInside(session)),
        )
      : [],
};

/** What shows that a rule was kept, for rules that are not about what is said inside TLS. */
const PROOFS: Readonly<Partial<Record<Rule, (session: Session) => Observation[]>>> = {
  'handshake-next': (session) => tries(session).slice(0, 1),
  'dropped-without-tls': (session) =>
    session.handshake?.result !== 'completed' && tries(session).length > 0
      ? ofKind(session.seen, 'smtp-closed').filter(({ by }) => by === 'sender')
      : [],
  'quit-if-not-enough': (session) => (isNotEnough(session) ? endings(session) : []),
};

/** Commands in clear behind the 220 to STARTTLS; who says QUIT goes. */
function spoken({ seen, commands }: Session): Seen<'smtp-command'>[] {
  const accepted = ofKind(seen, 'smtp-reply').find(
    ({ to, reply }) => to === 'STARTTLS' && reply.startsWith('220'),
  );
  return commands.filter(
    ({ at, secure, verb }) =>
      accepted !== undefined && at > accepted.at && !secure && verb !== 'QUIT',
  );
}

/** A ClientHello; to a path that goes on in clear it is garbage (RFC 8446 §5.1: type 22). */
function tries({ seen }: Session): Observation[] {
  return seen.filter(
    (one) =>
      (one.kind === 'tls-handshake' && one.hello) ||
      (one.kind === 'smtp-garbage' && one.excerpt.startsWith('"\\u0016')),
  );
}

const isTried = (session: Session, at: number) => tries(session).some((one) => one.at < at);

/** TLS that nobody vouches for. */
const isNotEnough = ({ handshake }: Session) =>
  handshake?.hello === true && !handshake.authenticated;

const isSilentInside = ({ commands }: Session) => commands.every(({ secure }) => !secure);

/** RFC 3207 §4.1: QUIT; to refuse the certificate by an alert says as much. */
const endings = ({ seen }: Session): Observation[] =>
  seen.filter(
    (one) =>
      (one.kind === 'smtp-command' && one.secure && one.verb === 'QUIT') ||
      (one.kind === 'smtp-closed' && one.how.startsWith('alert:')) ||
      (one.kind === 'tls-handshake' && one.result === 'failed' && one.reason?.startsWith('alert')),
  );
