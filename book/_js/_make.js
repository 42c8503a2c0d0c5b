/* Elements, made without markup: a string child is always inserted as text. */

/** Make an element; attributes that are undefined or false are left out, true is "". */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** A sign before a verdict, which also has words. */
export function sign(right) {
  return make("span", { class: right ? "mp-sign-right" : "mp-sign-wrong", "aria-hidden": "true" }, right ? "✓ " : "✕ ");
}
