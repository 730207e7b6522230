/**
 * Every message of the step arrived at the honest exchanger, over the channel that was asked for.
 */

import { z } from 'zod';
import {
  hasPublishedSince,
  keptToCache,
  outcomeOf,
  policyFetches,
  type Seen,
  type StepView,
} from '../model/evidence.ts';
import type { Expectation, Judgement } from '../model/verdict.ts';
import { inTurn } from './per-message.ts';

const CHANNELS = ['any', 'plain', 'tls', 'authenticated'] as const;
type Channel = (typeof CHANNELS)[number];

const options = z.strictObject({
  channel: z
    .enum(CHANNELS)
    .default('any')
    .describe(
      'plain: in clear · tls: any TLS · authenticated: TLS with a certificate that identifies the MX',
    ),
  mx: z.string().optional().describe('the MX host it must have arrived through'),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'every message arrived at the honest exchanger',
  options,
  shorthand: 'channel',
  describe: ({ channel, mx }) => `delivered${overChannel[channel]}${mx ? ` through ${mx}` : ''}`,
  judge: (view, wanted) => inTurn(view, (token) => judgeMessage(view, token, wanted)),
};

const overChannel: Readonly<Record<Channel, string>> = {
  any: '',
  plain: ' in clear',
  tls: ' over TLS',
  authenticated: ' over authenticated TLS',
};

function judgeMessage(
  view: StepView,
  token: string,
  { channel, mx }: z.output<typeof options>,
): Judgement {
  const outcome = outcomeOf(view.now, token);
  if (outcome.kind === 'pending')
    return {
      status: 'undecided',
      actual: 'nothing was seen of the message before the wait was over',
      because: [],
    };
  if (outcome.kind !== 'delivered') {
    const words = outcome.by.kind === 'sender-status' ? `: ${outcome.by.detail}` : '';
    const actual = `${outcome.kind}${words}`;
    // Whatever the new policy was to try, this sender went by the old one.
    const cached = keptToCache(view);
    if (cached && hasPublishedSince(view, cached.step)) {
      const requirement =
        outcome.kind === 'deferred' ? '8461-5.1-id-change-refetch' : '8461-5-recheck-before-bounce';
      return { status: 'unmet', actual, because: [cached.seq, outcome.by.seq], requirement };
    }
    return { status: 'unmet', actual, because: [outcome.by.seq] };
  }
  const { accepted } = outcome;
  const seen = channelOf(accepted);
  const actual = `delivered${overChannel[seen]} through ${accepted.mx}`;
  if (!satisfies(seen, channel)) {
    // Without a policy the sender owes nobody an authenticated channel, so that nothing is called
    // exposed.
    const held = policyFetches(view.history, view.domains).findLast(
      (fetch) => fetch.seq < accepted.seq,
    );
    if (channel !== 'authenticated' || !held)
      return { status: 'unmet', actual, because: [accepted.seq] };
    return { status: 'unmet', actual, because: [held.seq, accepted.seq], harm: 'content' };
  }
  if (mx !== undefined && view.qualified(mx).toLowerCase() !== accepted.mx.toLowerCase())
    return { status: 'unmet', actual, because: [accepted.seq] };
  return { status: 'met', actual, because: [accepted.seq] };
}

function channelOf(accepted: Seen<'message-accepted'>): Channel {
  if (!accepted.secure) return 'plain';
  return accepted.authenticated ? 'authenticated' : 'tls';
}

function satisfies(seen: Channel, wanted: Channel): boolean {
  return wanted === 'any' || seen === wanted || (wanted === 'tls' && seen === 'authenticated');
}
