/** The checker of the JUnit tests is worth something only if it refuses what is not well-formed. */

import { describe, expect, it } from 'vitest';
import { attributesOf, parseXml } from './xml.ts';

const xml = (body: string) => parseXml(`<?xml version="1.0" encoding="UTF-8"?>\n${body}`);

describe('the XML checker', () => {
  it('reads elements, attributes and text', () => {
    const root = xml('<a x="1&#10;&lt;"><b/>t&amp;\r\n</a>\n');
    expect(attributesOf(root)).toEqual({ x: '1\n<' });
    expect(root.children).toEqual([{ name: 'b', attributes: [], children: [] }, 't&\n']);
  });

  it.each([
    ['an open element', '<a>'],
    ['crossed elements', '<a><b></a></b>'],
    ['two roots', '<a/><b/>'],
    ['text behind the root', '<a/>x'],
    ['a bare ampersand', '<a>&</a>'],
    ['an unknown entity', '<a>&nbsp;</a>'],
    ['a reference to no character', '<a>&#0;</a>'],
    ['a bare <', '<a x="<"/>'],
    ['an attribute twice', '<a x="1" x="2"/>'],
    ['an attribute without quotes', '<a x=1/>'],
    ['a quote in a value', '<a x="""/>'],
    [']]> in text', '<a>]]></a>'],
    ['a control character', '<a>\x1b</a>'],
    ['a lone surrogate', '<a>\ud800</a>'],
    ['U+FFFE', '<a>\ufffe</a>'],
  ])('refuses %s', (_, body) => expect(() => xml(body)).toThrow());
});
