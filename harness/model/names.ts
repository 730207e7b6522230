/**
 * Fresh names: every scenario run gets names of its own, so that no cache, retry hint or pooled
 * connection leaks from one scenario or run into another, and any number can run at once against
 * one warm sender.
 *
 * A plan is written with names such as `mx1.victim.test`. A world's label is put before `.test`
 * (`mx1.victim.k3x9-7.test`) wherever such a name stands: zones, certificates, policy bodies,
 * replies.
 */

const TEST_SUFFIX = /\.test(?![\w-])/gi;

/** `mx1.victim.test` → `mx1.victim.<label>.test`, in any string. */
export function qualifyName(text: string, label: string): string {
  return text.replace(TEST_SUFFIX, (suffix) => `.${label}${suffix}`);
}

/** Every string in a JSON value, keys included, qualified. */
export function qualify<T>(value: T, label: string): T {
  if (typeof value === 'string') return qualifyName(value, label) as T;
  if (Array.isArray(value)) return value.map((item) => qualify(item, label)) as T;
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [qualifyName(key, label), qualify(item, label)]),
    ) as T;
  }
  return value;
}

/** The way back, for people to read: `mx1.victim.k3x9-7.test` → `mx1.victim.test`. */
export function plainName(text: string, label: string): string {
  return text.replace(new RegExp(`\\.${label}(?=\\.test)`, 'gi'), '');
}

/**
 * Where mail for this domain goes: `by-smart-host.victim.test` stands for a domain whose mail the
 * sender hands to the smart host `victim.test`, and `by-port-2525.victim.test` for one whose mail it
 * hands to that port there (capability `smart-host`).
 */
export function nextHopOf(domain: string): string {
  return domain.replace(/^by-(?:smart-host|port-\d+)\./i, '');
}

/** The port that mail for this domain goes to. */
export function portOf(domain: string): number {
  return Number(/^by-port-(\d+)\./i.exec(domain)?.[1] ?? 25);
}

/**
 * The label of a qualified name (the label before `test`), in lower case; undefined for any other
 * name.
 */
export function labelOf(name: string): string | undefined {
  return /(?:^|\.)([^.]*)\.test\.?$/i.exec(name)?.[1]?.toLowerCase();
}
