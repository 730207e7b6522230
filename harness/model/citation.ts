/** Requirements in the words of reports. An id may be anybody's: a result is read again. */

import { printable } from '../protocol/printable.ts';
import { citeRequirement, REQUIREMENTS, type Requirement } from './requirements.ts';

/** Undefined for an id that is not in the table. */
export function requirementOf(id: string): Requirement | undefined {
  return Object.hasOwn(REQUIREMENTS, id) ? REQUIREMENTS[id] : undefined;
}

/** `RFC 8461 §5: under enforce, no delivery to …` */
export function citation(id: string): string {
  return requirementOf(id) ? citeRequirement(id) : printable(id, 80);
}

/** `MUST NOT, RFC 8461 §5: under enforce, no delivery to …` */
export function levelAndCitation(id: string): string {
  const requirement = requirementOf(id);
  return [...(requirement ? [requirement.level] : []), citation(id)].join(', ');
}

/** The section, where the RFC is published. */
export function sectionUri({ rfc, section }: Requirement): string {
  const number = rfc.replace('RFC ', '');
  return `https://www.rfc-editor.org/rfc/rfc${number}#section-${section.split('/')[0]}`;
}
