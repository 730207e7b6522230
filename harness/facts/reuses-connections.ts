/**
 * Whether it sends several messages over one connection (RFC 5321 §3.3 lets it; no RFC asks for it).
 */

import { outcomeIn } from '../model/evidence.ts';
import { seqs } from '../model/traffic.ts';
import type { Fact } from '../model/verdict.ts';
import { counted } from '../protocol/printable.ts';

export const fact: Fact = {
  summary: 'over how many connections it sends several messages',
  point: 'Messages one after the other to one MX (RFC 5321 §3.3)',
  observe(view) {
    const outcomes = view.tokens.map((token) => outcomeIn(view, token));
    const accepted = outcomes.flatMap((one) => (one.kind === 'delivered' ? [one.accepted] : []));
    if (accepted.length < 2 || accepted.length < outcomes.length) return undefined;
    const connections = new Set(accepted.map(({ connection }) => connection)).size;
    return {
      seen: `${counted(accepted.length, 'message')} over ${counted(connections, 'connection')}`,
      because: seqs(accepted),
    };
  },
};
