/**
 * Temperaments: lawful habits that mail servers have, each a few lines in the reference sender, so
 * that the oracle can be tried on senders that nobody here has thought of. A temperament is no
 * fault: alone it never fails a scenario.
 */

export type TemperamentName = keyof typeof TEMPERAMENTS;

/** By name: one sentence on the habit, with the RFC that lets a sender have it. */
export const TEMPERAMENTS = {
  'keeps-to-cache':
    'Lives on its cached policy for as long as that is valid, without a look at DNS (RFC 8461 §5.1).',
  'fetches-beside':
    'Fetches policies beside the delivery, which does not wait for them (RFC 8461 §5.1).',
  'backs-off-by-domain':
    'After a failed fetch leaves the domain alone for an hour, whatever the id (RFC 8461 §3.3: five minutes or longer).',
  'reuses-connections': 'Keeps idle connections, and sends further messages over them.',
  'resumes-sessions': 'Resumes TLS sessions (RFC 8446 §2.2).',
  pipelines: 'Sends MAIL, RCPT and DATA together (RFC 2920).',
  'starttls-unasked': 'Says STARTTLS, whether or not it was offered.',
  'gives-up-without-ehlo': 'Does not fall back to HELO where EHLO is refused.',
  'wants-tls': 'Sends no mail to anybody without TLS, policy or not.',
  'retries-by-itself': 'Tries deferred mail again by itself, at moments of its own.',
  slow: 'Takes 300 ms before each command.',
  'several-connections': 'Opens two connections to an MX at once, and uses the first that greets.',
  'logs-the-end-only': 'Logs what was delivered or given up, and no deferral.',
  'logs-each-try': 'Logs a deferral for each host that it has tried, and another one at the end.',
  'returns-later': 'Says that it has given mail up, and returns it a second later.',
  'fetches-later':
    'Fetches policies beside the delivery, and begins four seconds later (RFC 8461 §5.1).',
  'renews-as-time-passes':
    'Fetches the policies that it holds anew as time passes (RFC 8461 §3.3, §10.2).',
  'one-host-a-run':
    'Tries one MX host in each run of its queue, and the next one in the next (RFC 5321 §5.1).',
  'rests-between-hosts': 'Rests for 400 ms before it tries the next MX host.',
  'follows-aliases':
    'Asks whether a name is an alias first, and for records at the end of the chain alone (RFC 1034 §3.6.2).',
  'no-dsn': 'Returns mail to nobody: it only logs that it has given it up.',
} as const satisfies Record<string, string>;

/**
 * Those that change when something is done, and not what: they are tried without faults alone, over all
 * scenarios, beside the ones that a deferral for each host goes with.
 */
export const TRIED_ALONE: readonly string[] = [
  'returns-later',
  'fetches-later',
  'renews-as-time-passes',
  'one-host-a-run',
  'rests-between-hosts',
  'follows-aliases',
];
