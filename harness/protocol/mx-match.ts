/**
 * Which MX hosts a policy permits (RFC 8461 §4.1). The name compared is the one in the MX record:
 * no CNAME target, and never a name taken from a certificate.
 */

import { lowerAscii } from './ascii.ts';
import { isDomain } from './name.ts';

/** Whether any of the policy's mx patterns matches the host. No patterns permit no host. */
export function isPermittedMx(patterns: readonly string[], host: string): boolean {
  return patterns.some((pattern) => matchesMx(pattern, host));
}

/**
 * Whether one mx pattern matches the host, whatever the ASCII case and with or without a trailing
 * dot. A text that is no pattern matches nothing: `*`, `m*.d`, `a.*.d`, a U-label.
 */
export function matchesMx(pattern: string, host: string): boolean {
  // Undecided: a pattern with a trailing dot is outside the grammar (parseStsPolicy says so), yet
  // what it means is plain.
  const wanted = withoutDot(lowerAscii(pattern));
  const name = withoutDot(lowerAscii(host));
  if (!isMxPattern(wanted)) return false;
  if (!wanted.startsWith('*.')) return name === wanted;
  // RFC 8461 §4.1: "*" stands for exactly one label, the leftmost; neither for none nor for two.
  const dot = name.indexOf('.');
  return dot > 0 && name.slice(dot) === wanted.slice(1);
}

/** sts-policy-mx-value = ["*."] Domain (RFC 8461 §3.2, RFC 5321 §4.1.2). */
export function isMxPattern(text: string): boolean {
  return isDomain(text.startsWith('*.') ? text.slice(2) : text);
}

function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}
