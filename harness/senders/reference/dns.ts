/**
 * DNS as the sender asks it: records, nothing there, or a failure; the three mean different things
 * to RFC 8461 and RFC 5321.
 *
 * c-ares as Node sets it up keeps no answers, so every look-up is a query.
 */

import { promises } from 'node:dns';
import type { Endpoint } from '../../model/sender.ts';
import { messageOf } from './mail.ts';

type Answer<T> =
  | { readonly kind: 'records'; readonly records: readonly T[] }
  | { readonly kind: 'nodata' | 'nxdomain' }
  | { readonly kind: 'failure'; readonly why: string };

export interface Dns {
  /** Each record as its character-strings. */
  txt(name: string): Promise<Answer<readonly string[]>>;
  mx(name: string): Promise<Answer<{ readonly priority: number; readonly exchange: string }>>;
  addresses(name: string): Promise<Answer<string>>;
  /** What the name is an alias of (RFC 1034 §3.6.2); the name itself where it is none. */
  targetOf(name: string): Promise<string>;
  /** Ends all look-ups under way; they fail. */
  cancel(): void;
}

const TIMEOUT_MS = 1000;
const TRIES = 2;
const LONGEST_CNAME_CHAIN = 8;

export function createDns({ address, port }: Endpoint): Dns {
  const resolver = new promises.Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  resolver.setServers([`${address}:${port}`]);

  async function ask<T>(
    name: string,
    query: (name: string) => Promise<readonly T[]>,
  ): Promise<Answer<T>> {
    let asked = name;
    for (let hops = 0; hops < LONGEST_CNAME_CHAIN; hops++) {
      const answer = await once(() => query(asked));
      if (answer.kind !== 'nodata') return answer;
      // RFC 1034 §3.6.2: a server may give the CNAME alone; then the question is asked again of its
      // target.
      const alias = await once(() => resolver.resolveCname(asked));
      if (alias.kind !== 'records') return alias.kind === 'failure' ? alias : { kind: 'nodata' };
      asked = alias.records[0]!;
    }
    return { kind: 'failure', why: `${name}: the CNAME chain has no end` };
  }

  return {
    txt: (name) => ask(name, (asked) => resolver.resolveTxt(asked)),
    mx: (name) => ask(name, (asked) => resolver.resolveMx(asked)),
    addresses: (name) => ask(name, (asked) => resolver.resolve4(asked)),
    async targetOf(name) {
      const alias = await once(() => resolver.resolveCname(name));
      return alias.kind === 'records' ? alias.records[0]! : name;
    },
    cancel: () => resolver.cancel(),
  };
}

async function once<T>(query: () => Promise<readonly T[]>): Promise<Answer<T>> {
  try {
    const records = await query();
    return records.length > 0 ? { kind: 'records', records } : { kind: 'nodata' };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOTFOUND') return { kind: 'nxdomain' };
    if (code === 'ENODATA') return { kind: 'nodata' };
    return { kind: 'failure', why: messageOf(error) };
  }
}
