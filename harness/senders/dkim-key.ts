/**
 * The key by which a mail server signs the reports that it mails (RFC 8460 §3, RFC 6376): made by the
 * harness, so that the lab's DNS can tell its public half.
 */

import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { SENDER_DOMAIN } from '../model/plan.ts';

export interface DkimKey {
  readonly selector: string;
  /** PEM. */
  readonly privateKey: string;
  /** The TXT record of the public half (RFC 6376 §3.6.1), for reports alone (RFC 8460 §3). */
  readonly record: { readonly name: string; readonly text: string };
}

const generate = promisify(generateKeyPair);

/** Of a sender of this name; its selector is its own, whoever else signs for the domain. */
export async function createDkimKey(name: string): Promise<DkimKey> {
  const { privateKey, publicKey } = await generate('rsa', { modulusLength: 2048 });
  const selector = `${name}-${randomBytes(4).toString('hex')}`;
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return {
    selector,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    record: {
      name: `${selector}._domainkey.${SENDER_DOMAIN}`,
      text: `v=DKIM1; k=rsa; s=tlsrpt; p=${der.toString('base64')}`,
    },
  };
}
