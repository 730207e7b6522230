/**
 * Selection: the words that stand for scenarios, on the command line and in lists of known
 * failures.
 *
 *   starttls/stripped                     a scenario and all its variants
 *   starttls/stripped@as-removed-line     one variant
 *   starttls, starttls/                   a folder
 *   '*@as-*'                              a pattern; * stands for any characters
 */

import { scenarioFileId } from './reporter.ts';

/** Whether the scenario of this id is among those that the word stands for. */
export function selects(word: string, id: string): boolean {
  const wanted = word.replace(/\/+$/, '');
  if (!wanted.includes('*'))
    return id === wanted || scenarioFileId(id) === wanted || id.startsWith(`${wanted}/`);
  const pattern = new RegExp(`^${wanted.split(/\*+/).map(literally).join('.*')}$`, 's');
  return pattern.test(id) || pattern.test(scenarioFileId(id));
}

const literally = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
