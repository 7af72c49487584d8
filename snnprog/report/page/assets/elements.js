// Elements of the page: found by id or made, and checked to be of the kind that is expected.

/**
 * Return an element as what it must be.
 * @template {Element} Kind
 * @param {EventTarget | null} found
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
export function expectKind(found, kind) {
  if (found instanceof kind) return found;
  throw new TypeError(`expected an element of kind ${kind.name}`);
}

/**
 * Return the element of an id.
 * @template {Element} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
export function byId(id, kind) {
  return expectKind(document.getElementById(id), kind);
}

/**
 * Make an element.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Partial<HTMLElementTagNameMap[Name]>} [properties]
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}
