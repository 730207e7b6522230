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
  'no-dsn': 'Returns mail to nobody: it only logs that it has given it up.',
} as const satisfies Record<string, string>;
