/**
 * DNS as the sender asks it: records, nothing there, or a failure; the three mean different things
 * to RFC 8461, RFC 5321 and RFC 7672. Of what leads to a host it is told whether it is secure.
 *
 * No answer is kept, so every look-up is a query.
 */

import { Packet } from 'dns2';
import type { Endpoint } from '../../model/sender.ts';
import type { Tlsa } from '../../protocol/dane.ts';
import { literalOf } from './mail.ts';
import { createSecureDns, TLSA } from './secure-dns.ts';
import type { Is } from './traits.ts';

export type Answer<T> =
  | { readonly kind: 'records'; readonly records: readonly T[] }
  | { readonly kind: 'nodata' | 'nxdomain' }
  | { readonly kind: 'failure'; readonly why: string };

/** `secure`: DNSSEC vouches for the records; `target`: where the aliases of the name lead to. */
export type Secured<T> =
  | (Extract<Answer<T>, { kind: 'records' }> & {
      readonly secure: boolean;
      readonly target: string;
    })
  | Exclude<Answer<T>, { kind: 'records' }>;

export interface Dns {
  /** Each record as its character-strings. */
  txt(name: string): Promise<Answer<readonly string[]>>;
  mx(name: string): Promise<Secured<{ readonly priority: number; readonly exchange: string }>>;
  addresses(name: string): Promise<Secured<string>>;
  tlsa(name: string): Promise<Secured<Tlsa>>;
  /** What the name is an alias of (RFC 1034 §3.6.2); the name itself where it is none. */
  targetOf(name: string): Promise<string>;
  /** Ends all look-ups under way; they fail. */
  cancel(): void;
}

export function createDns(endpoint: Endpoint, is: Is): Dns {
  const secureDns = createSecureDns(endpoint, is);
  /** For faults. */
  const lastTlsa = new Map<string, Secured<Tlsa>>();

  async function securely<T>(
    name: string,
    type: number,
    read: (record: Packet['answers'][number]) => T,
  ): Promise<Secured<T>> {
    const answer = await secureDns.ask(name, type);
    return answer.kind === 'records' ? { ...answer, records: answer.records.map(read) } : answer;
  }

  return {
    txt: (name) =>
      securely(name, Packet.TYPE.TXT, ({ data }) => data as unknown as readonly string[]),
    mx: (name) =>
      securely(name, Packet.TYPE.MX, ({ priority = 0, exchange = '' }) => ({ priority, exchange })),
    async addresses(name) {
      const literal = literalOf(name);
      if (literal) return { kind: 'records', records: [literal], secure: false, target: name };
      const { A, AAAA } = Packet.TYPE;
      const types = is('knows-no-ipv6') ? [A] : [A, AAAA];
      const answers = await Promise.all(
        types.map((type) => securely(name, type, ({ address: found = '' }) => found)),
      );
      return together(answers);
    },
    async tlsa(name) {
      const last = lastTlsa.get(name);
      if (last && is(last.kind === 'records' ? 'dane-remembers-records' : 'dane-remembers-none'))
        return last;
      const answer = await securely(name, TLSA, ({ data }) => tlsaOf(data as unknown as Buffer));
      if (answer.kind !== 'failure') lastTlsa.set(name, answer);
      return answer;
    },
    async targetOf(name) {
      const { CNAME } = Packet.TYPE;
      const alias = await securely(name, CNAME, ({ domain = '' }) => domain);
      return alias.kind === 'records' ? alias.records[0]! : name;
    },
    cancel: secureDns.cancel,
  };
}

/** What is there, if only in part; where nothing is, why not. */
function together<T>(answers: readonly Secured<T>[]): Secured<T> {
  const [first, ...others] = answers.filter((answer) => answer.kind === 'records');
  if (!first) return answers.find((answer) => answer.kind === 'failure') ?? answers[0]!;
  return {
    ...first,
    records: [first, ...others].flatMap((answer) => answer.records),
    secure: [first, ...others].every((answer) => answer.secure),
  };
}

/** RFC 6698 §2.1. */
function tlsaOf(rdata: Buffer): Tlsa {
  const [usage = 0, selector = 0, matching = 0] = rdata;
  return { usage, selector, matching, data: rdata.toString('hex', 3) };
}
