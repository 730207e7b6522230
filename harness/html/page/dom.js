/**
 * Building the page. Text becomes text nodes and nothing else: there is no way here to have a string
 * read as HTML.
 */

/**
 * An element. Of `given`, `class` and everything with a hyphen, `role`, `href` and `id` are
 * attributes, functions are listeners, the rest are properties. Children that are null or false are
 * left out.
 */
export function h(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function') element.addEventListener(key, value);
    else if (
      key === 'class' ||
      key === 'role' ||
      key === 'href' ||
      key === 'id' ||
      key.includes('-')
    )
      element.setAttribute(key, value);
    else element[key] = value;
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(element, child);
    else element.append(child);
  }
}

/** Custom properties, by which the style places things; set from a script they need no `style=`. */
export function place(element, properties) {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
  return element;
}

/** `1 cell`, `2 cells`. */
export function counted(howMany, one, many = `${one}s`) {
  return `${howMany.toLocaleString('en')} ${howMany === 1 ? one : many}`;
}
