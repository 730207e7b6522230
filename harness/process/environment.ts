/**
 * What a sender outside this process is given of its surroundings: the lab's authorities in a file,
 * and of the system no more than a program needs.
 */

import type { LabAccess } from '../model/sender.ts';

/** Both authorities, as one PEM text. */
export function trustFile({ trust }: Pick<LabAccess, 'trust'>): string {
  return `${trust.policyHosts.trim()}\n${trust.mxHosts.trim()}\n`;
}

/** What a server trusts the lab by: file contents by path. */
export function trustFiles(
  { trust, dnssec }: { readonly trust: string; readonly dnssec?: string },
  lab: Pick<LabAccess, 'trust'>,
): Record<string, string> {
  return { [trust]: trustFile(lab), ...(dnssec !== undefined && { [dnssec]: lab.trust.dnssec }) };
}

const PASSED_ON = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'TMPDIR',
  'TEMP',
  'SystemRoot',
  'LANG',
  'LC_ALL',
  'TZ',
];

/** Nothing else is passed on: no proxy or Node option leads out of the lab, no secret leads in. */
export function systemEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) =>
      process.env[name] === undefined ? [] : [[name, process.env[name]]],
    ),
  );
}
