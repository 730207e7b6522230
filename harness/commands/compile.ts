/** `compile`, a step of `npm run build`: the shipped suite is read and written for the package. */

import { writeCompiledSuite } from '../scenario/compiled.ts';
import { findPackage } from '../shipped.ts';
import { loadVocabulary } from '../vocabulary.ts';
import { readShipped } from './select.ts';

/**
 * Throws UsageError where a scenario has a problem, and an Error where this is no compiled code.
 */
export async function compile(): Promise<void> {
  const vocabulary = await loadVocabulary();
  await writeCompiledSuite(findPackage(), vocabulary, () => readShipped(vocabulary));
}
