/**
 * The DKIM signature of a report by mail (RFC 8460 §3, RFC 6376, RFC 8463), and its key.
 */

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { ATTACKER, SENDER_DOMAIN } from '../../model/plan.ts';
import type { Is } from './traits.ts';

export interface DkimSigner {
  /** The TXT record of the key (RFC 6376 §3.6.1, RFC 8460 §3). */
  readonly record: { readonly name: string; readonly text: string };
  /** The message with its signature before it. */
  sign(message: string): Promise<string>;
}

const REPORT_FIELDS = ['TLS-Report-Domain', 'TLS-Report-Submitter'];
const FIELDS = ['From', 'To', 'Subject', 'Date', 'MIME-Version', 'Content-Type'];

export function createDkimSigner(is: Is): DkimSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const selector = `reference-${randomBytes(6).toString('hex')}`;
  const service = is('dkim-key-for-anything') ? '' : ' s=tlsrpt;';
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  return {
    record: {
      name: `${selector}._domainkey.${SENDER_DOMAIN}`,
      text: `v=DKIM1; k=ed25519;${service} p=${raw.toString('base64')}`,
    },
    async sign(message) {
      // Loaded by who mails a report; it is large.
      const { dkimSign } = await import('mailauth/lib/dkim/sign.js');
      const signature = {
        canonicalization: 'relaxed/relaxed',
        signingDomain: is('signs-reports-as-another') ? ATTACKER : SENDER_DOMAIN,
        selector,
        privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        headerList: is('signs-no-report-fields') ? FIELDS : [...FIELDS, ...REPORT_FIELDS],
        ...(is('signs-part-of-reports') && { maxBodyLength: 40 }),
      };
      const { signatures, errors } = await dkimSign(message, {
        ...signature,
        signatureData: [signature],
      });
      const [error] = errors;
      if (error) throw error.err;
      const sent = is('changes-signed-reports') ? message.replace('A report', 'A note') : message;
      return signatures + sent;
    },
  };
}
