/**
 * A strict reader of the XML 1.0 that has no doctype, comments, sections or processing
 * instructions. Throws where a parser has to.
 */

export interface XmlElement {
  readonly name: string;
  readonly attributes: readonly (readonly [name: string, value: string])[];
  readonly children: readonly (XmlElement | string)[];
}

const DECLARATION = /^<\?xml version="1\.0" encoding="UTF-8"\?>\n/;
const NAME = '[A-Za-z_][\\w.-]*';
const TAG = new RegExp(`<(/?)(${NAME})((?:\\s+${NAME}="[^<"]*")*)\\s*(/?)>`, 'y');
const ATTRIBUTE = new RegExp(`\\s+(${NAME})="([^"]*)"`, 'g');
/** XML 1.0 §2.2 Char, which lone surrogates are not. */
const NOT_CHAR = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

export function parseXml(text: string): XmlElement {
  const forbidden = NOT_CHAR.exec(text);
  if (forbidden)
    throw new Error(
      `U+${forbidden[0].codePointAt(0)!.toString(16)} at ${forbidden.index} is no character`,
    );
  const declaration = DECLARATION.exec(text);
  if (!declaration) throw new Error('no declaration');
  let at = declaration[0].length;
  const root = element();
  if (text.slice(at).trim() !== '') throw new Error(`more after the root at ${at}`);
  return root;

  function tag(): RegExpExecArray {
    TAG.lastIndex = at;
    const match = TAG.exec(text);
    if (!match) throw new Error(`no tag at ${at}: ${text.slice(at, at + 40)}`);
    at = TAG.lastIndex;
    return match;
  }

  function element(): XmlElement {
    const [, closing, name, list, empty] = tag();
    if (closing) throw new Error(`</${name}> closes nothing`);
    const attributes = [...list!.matchAll(ATTRIBUTE)].map(
      ([, key, value]) => [key!, decode(value!.replace(/[\t\n\r]/g, ' '))] as const,
    );
    if (new Set(attributes.map(([key]) => key)).size < attributes.length)
      throw new Error(`an attribute twice in <${name}>`);
    return { name: name!, attributes, children: empty ? [] : content(name!) };
  }

  function content(name: string): (XmlElement | string)[] {
    const children: (XmlElement | string)[] = [];
    for (;;) {
      const next = text.indexOf('<', at);
      if (next < 0) throw new Error(`<${name}> is not closed`);
      const characters = text.slice(at, next);
      if (characters.includes(']]>')) throw new Error(`]]> in the text of <${name}>`);
      if (characters !== '') children.push(decode(characters.replace(/\r\n?/g, '\n')));
      at = next;
      if (!text.startsWith('</', at)) {
        children.push(element());
        continue;
      }
      const [, , closed] = tag();
      if (closed !== name) throw new Error(`</${closed}> closes <${name}>`);
      return children;
    }
  }
}

export const attributesOf = (element: XmlElement): Readonly<Record<string, string>> =>
  Object.fromEntries(element.attributes);
export const childrenOf = (element: XmlElement): XmlElement[] =>
  element.children.filter((child) => typeof child !== 'string');

function decode(text: string): string {
  return text.replace(/&([^;]*;?)/g, (_, reference: string) => {
    const body = reference.slice(0, -1);
    const number = /^#(?:x([\da-f]+)|(\d+))$/i.exec(body);
    const character = number
      ? String.fromCodePoint(Number.parseInt(number[1] ?? number[2]!, number[1] ? 16 : 10))
      : ENTITIES[body];
    if (!reference.endsWith(';') || character === undefined || NOT_CHAR.test(character))
      throw new Error(`bad reference &${reference}`);
    return character;
  });
}
