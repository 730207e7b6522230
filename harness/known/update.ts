/**
 * Bringing a list of known failures up to date after a run: what fails and is not listed is put at
 * its end, what passes now is taken out, and what is past loses its day and has its reason to be written
 * anew. Order, reasons and comments stay.
 */

import { Document, isMap, type Pair, parseDocument, type YAMLMap } from 'yaml';
import { TO_DO } from './load.ts';

export interface Update {
  /** Ids of scenarios that fail and are not listed. */
  readonly failed: readonly string[];
  /** Entries that pass. */
  readonly healed: readonly string[];
  /** Entries that are past, and fail still. */
  readonly past: readonly string[];
}

const HEAD = ' What is known to fail, and why: a scenario, a variant or a pattern to its reason.';

/** The text of the list as it has to be; `text` is as it was, empty for a new one. */
export function updateKnown(text: string, { failed, healed, past }: Update): string {
  const document = parseDocument(text, { version: '1.2' });
  if (!isMap(document.contents)) {
    const head = document.comment ?? document.commentBefore ?? HEAD;
    Object.assign(document, new Document({}), { commentBefore: head, comment: null });
  }
  const map = document.contents as YAMLMap;
  map.flow = false;
  for (const entry of healed) map.delete(entry);
  for (const entry of past) {
    const value = map.get(entry);
    if (!isMap(value)) continue;
    const until = value.get('until');
    value.delete('until');
    // To be known from now on takes a decision of somebody's.
    value.set('reason', `${TO_DO} (was known until ${until}) ${value.get('reason')}`);
  }
  for (const id of failed)
    map.items.push(document.createPair(id, { reason: TO_DO }) as Pair<never, never>);
  // A map without entries would lose the comment above it.
  if (map.items.length === 0) return `${/^(?:#.*\n|\n)*/.exec(text)![0] || `#${HEAD}\n`}{}\n`;
  return document.toString({ lineWidth: 100 });
}
