/**
 * RFC 8461 §3.3: a policy fetch has an end, whatever the policy host does. The RFC leaves the
 * bounds to the sender, and suggests a minute and 64 KB; but mail that waits for a policy which
 * cannot be had has to be delivered.
 */

import { z } from 'zod';
import { outcomeIn, type StepView } from '../model/evidence.ts';
import {
  heldPolicy,
  LARGEST_FETCH_BYTES,
  LONGEST_FETCH_SECONDS,
  openFetches,
} from '../model/held-policy.ts';
import { ofKind, type Seen, seqs } from '../model/traffic.ts';
import type { Expectation } from '../model/verdict.ts';

export const expectation: Expectation = {
  summary: 'every fetch of a policy came to an end, in time and in size, and the mail went on',
  options: z.strictObject({}),
  example: '- fetch-ended',
  requirement: '8461-3.3-continue-on-fetch-failure',
  awaits: ['fetch-end'],
  cites: () => ['8461-3.3-timeout', '8461-3.3-size-limit'],
  describe: () =>
    `no fetch longer than ${LONGEST_FETCH_SECONDS} s or larger than ${LARGEST_FETCH_BYTES / 1024 / 1024} MB`,
  judge(view) {
    const opened = ofKind(view.now, 'web-connection').filter(
      ({ service }) => service === 'policy-host',
    );
    if (opened.length === 0)
      return { status: 'undecided', actual: 'the policy host was never called', because: [] };
    const isOf = (one: { readonly connection: string }) =>
      opened.some(({ connection }) => connection === one.connection);
    const closed = ofKind(view.whole, 'web-closed').filter(isOf);
    const long = [
      ...ofKind(view.now, 'fetch-open').filter(isOf),
      ...closed.filter((one) => secondsOf(one, opened) > LONGEST_FETCH_SECONDS),
    ];
    if (long.length > 0) {
      const isHeld = view.tokens.some((token) => outcomeIn(view, token).kind !== 'delivered');
      return {
        status: 'unmet',
        actual: `a fetch that had not ended after ${LONGEST_FETCH_SECONDS} s${isHeld ? ', and mail that waits for it' : ''}`,
        because: seqs(long),
        ...(isHeld ? {} : { requirement: '8461-3.3-timeout' }),
      };
    }
    const large = closed.filter(({ sentBytes }) => sentBytes > LARGEST_FETCH_BYTES);
    if (large.length > 0)
      return {
        status: 'unmet',
        actual: `${large[0]!.sentBytes} bytes read`,
        because: seqs(large),
        requirement: '8461-3.3-size-limit',
      };
    if (openFetches(view.whole).length > 0)
      return {
        status: 'undecided',
        actual: 'a fetch that had not ended when the wait was over',
        because: seqs(opened),
      };
    const longest = Math.max(...closed.map((one) => secondsOf(one, opened)));
    const stopped = heldBack(view);
    if (stopped)
      return {
        status: 'unmet',
        actual: `ended within ${longest.toFixed(1)} s, and with it the delivery: ${stopped.kind}`,
        because: seqs([...opened, stopped.by]),
      };
    return { status: 'met', actual: `ended within ${longest.toFixed(1)} s`, because: seqs(opened) };
  },
};

/** What became of a message that no policy holds back, and that did not go on all the same. */
function heldBack(view: StepView) {
  const outcomes = view.tokens.map((token) => outcomeIn(view, token));
  const held = outcomes.find(({ kind }) => kind === 'bounced' || kind === 'deferred');
  if (held?.kind !== 'bounced' && held?.kind !== 'deferred') return undefined;
  return heldPolicy(view.history, view.domains[0]!, held.by) ? undefined : held;
}

function secondsOf(closed: Seen<'web-closed'>, opened: readonly Seen<'web-connection'>[]): number {
  const { at } = opened.find(({ connection }) => connection === closed.connection)!;
  return (closed.at - at) / 1000;
}
