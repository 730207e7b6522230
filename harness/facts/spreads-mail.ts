/**
 * How it chooses among MX hosts of one preference: RFC 5321 §5.1 wants them in random order, unless
 * there is a clear reason to favour one.
 */

import { outcomeIn } from '../model/evidence.ts';
import { seqs } from '../model/traffic.ts';
import type { Fact } from '../model/verdict.ts';
import { counted } from '../protocol/printable.ts';

/** With fewer, chance alone may choose one host. */
const FEWEST = 8;

export const fact: Fact = {
  summary: 'how it chooses among MX hosts of one preference',
  point: 'MX hosts of one preference (RFC 5321 §5.1)',
  observe(view) {
    const outcomes = view.tokens.map((token) => outcomeIn(view, token));
    const accepted = outcomes.flatMap((one) => (one.kind === 'delivered' ? [one.accepted] : []));
    if (accepted.length < FEWEST || accepted.length < outcomes.length) return undefined;
    const hosts = new Set(accepted.map(({ mx }) => mx)).size;
    const seen = `${counted(accepted.length, 'message')} to ${counted(hosts, 'host')}`;
    return { seen, because: seqs(accepted) };
  },
};
