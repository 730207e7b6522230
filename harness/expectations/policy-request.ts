/**
 * What the requests to policy hosts have to look like, or that there are none of a kind (RFC 8461
 * §3.2, §3.3).
 */

import { z } from 'zod';
import type { StepView } from '../model/evidence.ts';
import { stsLookups } from '../model/held-policy.ts';
import { POLICY_HOST, POLICY_PATH } from '../model/plan.ts';
import { ofKind, type Seen, seqs } from '../model/traffic.ts';
import type { Expectation } from '../model/verdict.ts';
import { counted } from '../protocol/printable.ts';

const options = z
  .strictObject({
    host: z.string().optional().describe('only requests to this host'),
    never: z
      .enum(['any', 'other-path', 'http', 'conditional', 'other-method'])
      .optional()
      .describe('there must be no request of this kind'),
    atMost: z.int().min(0).optional().describe('no more requests than this'),
    atLeast: z.int().min(1).optional().describe('no fewer requests than this'),
  })
  .refine(
    ({ never, atMost, atLeast }) => [never, atMost, atLeast].some((said) => said !== undefined),
    'say never, atMost or atLeast',
  );
type Request = Seen<'policy-request'>;

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'the requests to the policy host are as RFC 8461 §3.3 wants them',
  options,
  shorthand: 'never',
  hosts: ['host'],
  example: '- policy-request: { atLeast: 1, atMost: 1 }',
  requirement: '8461-3.2-url',
  standsAlone: true,
  describe({ host, never, atMost, atLeast }) {
    const to = host ? ` to ${host}` : '';
    if (never) return `no ${never === 'any' ? '' : `${never} `}request${to}`;
    const bounds = [
      atLeast !== undefined && `at least ${atLeast}`,
      atMost !== undefined && `at most ${atMost}`,
    ];
    const howMany = bounds.filter((bound) => bound !== false).join(', ');
    return `${howMany} ${howMany.endsWith(' 1') ? 'request' : 'requests'}${to}`;
  },
  judge(view, { host, never, atMost = Number.POSITIVE_INFINITY, atLeast = 0 }) {
    const about = ofKind(view.now, 'policy-request').filter(
      (seen) => !host || seen.host.toLowerCase() === view.qualified(host).toLowerCase(),
    );
    const bad = never
      ? about.filter((request) => isA[never](request, view.qualified(POLICY_HOST)))
      : [];
    if (bad.length > 0)
      return {
        status: 'unmet',
        actual: bad.map((one) => `${one.method} ${one.scheme}://${one.host}${one.path}`).join(', '),
        because: seqs(bad),
        // A policy that is asked for in another way is none (RFC 8461 §3.3).
        explainsControl: true,
      };
    // Never coming near the policy host is no proof of asking rightly, nor of holding back.
    const came = cameNear(view);
    const lookups = stsLookups(view.now, view.domains);
    const isAbsence = never === 'any' || (never === undefined && atLeast === 0);
    if (came.length === 0 && !(isAbsence && lookups.length > 0))
      return {
        status: 'undecided',
        actual: 'the sender never came near the policy host',
        because: [],
      };
    if (never)
      return { status: 'met', actual: 'no such request', because: seqs([...lookups, ...came]) };
    const status = about.length >= atLeast && about.length <= atMost ? 'met' : 'unmet';
    const actual = counted(about.length, 'request');
    return { status, actual, because: seqs([...lookups, ...about]) };
  },
};

function cameNear(view: StepView) {
  return view.now.filter(
    (seen) =>
      seen.kind === 'policy-request' ||
      (seen.kind === 'tls-handshake' && seen.service === 'policy-host' && seen.hello),
  );
}

const isA: Readonly<
  Record<
    'any' | 'other-path' | 'http' | 'conditional' | 'other-method',
    (request: Request, policyHost: string) => boolean
  >
> = {
  any: () => true,
  'other-path': (request, policyHost) =>
    request.path !== POLICY_PATH || !namesHost(request.hostHeader, policyHost),
  http: (request) => request.scheme === 'http',
  conditional: (request) => request.conditional,
  'other-method': (request) => request.method !== 'GET',
};

/** RFC 9110 §7.2: the port of the scheme may be spelled out. */
function namesHost(header: string, host: string): boolean {
  return header.toLowerCase().replace(/:443$/, '') === host.toLowerCase();
}
