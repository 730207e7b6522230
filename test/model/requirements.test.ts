import { describe, expect, it } from 'vitest';
import { citeRequirement, REQUIREMENTS } from '../../harness/model/requirements.ts';

const rows = Object.entries(REQUIREMENTS);

describe('the table of requirements', () => {
  it.each(rows)('%s is a citable row', (id, { rfc, section, level, basis, testable, text }) => {
    const [number, place, ...slug] = id.split('-');
    expect(rfc).toBe(`RFC ${number}`);
    expect(section).toMatch(/^\d+(\.\d+)*(\/\d+(\.\d+)*)?$/);
    expect(
      section.split(/[./]/)[0],
      'the section is in the chapter that the id names, or the id would mislead',
    ).toBe(chapterOf(id, place!));
    expect(slug.join('-')).toMatch(/^[a-z\d]+(-[a-z\d]+)*$/);
    expect(['MUST', 'MUST NOT', 'SHOULD', 'SHOULD NOT', 'MAY']).toContain(level);
    expect(['keyword', 'grammar', 'prose', 'derived']).toContain(basis);
    expect(['yes', 'partly', 'no']).toContain(testable);
    expect(text.length).toBeLessThanOrEqual(120);
    expect(text, 'reads on from a colon').toMatch(/^([a-z"]|[A-Z]{2}[\w-]* )/);
    expect(text, 'no full stop').not.toMatch(/[.\s]$/);
  });

  it('has no text twice in one section', () => {
    const places = rows.map(([, { rfc, section, text }]) => `${rfc} §${section}: ${text}`);
    expect(new Set(places).size).toBe(places.length);
  });
});

describe('citeRequirement', () => {
  it('names RFC, section and requirement', () => {
    expect(citeRequirement('8461-5-enforce-no-starttls')).toBe(
      'RFC 8461 §5: under enforce, no delivery to a host that does not offer STARTTLS',
    );
  });

  it.each(['8461-5-enforce', '', 'toString', '__proto__'])('throws on the unknown id %j', (id) => {
    expect(() => citeRequirement(id)).toThrow(RangeError);
  });
});

/**
 * Three rows are named after the place in the flow (§5) where they matter; the text stands earlier.
 */
function chapterOf(id: string, place: string): string {
  const moved: Readonly<Record<string, string>> = {
    '8461-5.1-same-id-no-fetch': '3',
    '8461-5.1-absent-txt-keeps-cache': '3',
    '8461-5-policy-isolation': '4',
  };
  return moved[id] ?? place.split('.')[0]!;
}
