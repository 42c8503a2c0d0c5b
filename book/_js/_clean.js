/* Make the HTML of a result safe to insert into the page.
 *
 * No script runs, nothing is fetched from elsewhere, no id is the page's own. What our
 * figures bring stays: their elements, the data inside them, and their styles, which
 * a strict content security policy lets in only by way of the CSSOM.
 */
import DOMPurify from "dompurify";

const OURS = /^moving-parts-(?:player|knob|board)$/;
const DATA = 'script[type="application/json"]';
const ADDRESSES = ["src", "srcset", "href", "xlink:href", "poster", "background"];
const POINTERS = ["aria-labelledby", "aria-describedby", "aria-controls", "for", "headers"];
const SHEET = /<style(?:\s[^>]*)?>([\s\S]*?)<\/style\s*>/gi;
const FETCHES = /url\(\s*(?!["']?(?:#|data:))|@import|image-set\(/i;
const RULES = {
  RETURN_DOM_FRAGMENT: true,
  ADD_ATTR: ["slot", "hidden", "tabindex", "part"],
  FORBID_TAGS: ["style", "form"],
  CUSTOM_ELEMENT_HANDLING: {
    tagNameCheck: OURS,
    attributeNameCheck: /^(?:view|label|src|count|dials|title)$/,
    allowCustomizedBuiltInElements: false,
  },
};

/** Parse HTML as a separate document; return it and its style sheets.
 *
 * They are taken out before: the policy would complain of each that is parsed.
 */
export function parsed(html) {
  const styles = [];
  const bare = html.replace(SHEET, (_, text) => {
    styles.push(text);
    return "";
  });
  return { body: new DOMParser().parseFromString(bare, "text/html").body, styles };
}

/** Sanitized HTML: `fragment`, and the texts of its style sheets. */
export function cleaned(html) {
  const { body, styles } = parsed(html);
  const data = [...body.querySelectorAll(DATA)].map((script) => script.textContent);
  const mark = `mp-${crypto.getRandomValues(new Uint32Array(2)).join("")}`;
  body.querySelectorAll(DATA).forEach((script, i) => {
    const place = script.ownerDocument.createElement("span");
    place.setAttribute(`data-${mark}`, i);
    script.replaceWith(place);
  });
  for (const element of body.querySelectorAll("[style]")) {
    element.setAttribute(`data-${mark}-style`, element.getAttribute("style"));
    element.removeAttribute("style");
  }
  const fragment = DOMPurify.sanitize(body, RULES);
  for (const place of fragment.querySelectorAll(`[data-${mark}]`)) {
    place.replaceWith(inert(data[place.getAttribute(`data-${mark}`)]));
  }
  for (const element of fragment.querySelectorAll("*")) removeForeign(element);
  styleOf(fragment, `data-${mark}-style`);
  return { fragment, styles: styles.filter((text) => !FETCHES.test(text)) };
}

/** Put data back: the type is set before it is in a page, so nothing runs it. */
function inert(text) {
  const script = document.createElement("script");
  script.type = "application/json";
  script.textContent = text;
  return script;
}

/** Set styles through the CSSOM, which needs no permission of the page's policy. */
function styleOf(fragment, name) {
  for (const element of fragment.querySelectorAll(`[${name}]`)) {
    const text = element.getAttribute(name);
    element.removeAttribute(name);
    if (!FETCHES.test(text)) element.style.cssText = text;
  }
}

/** Take away what would be fetched from another place; a link may lead there. */
function removeForeign(element) {
  if (element.localName === "a") {
    element.setAttribute("rel", "noopener noreferrer");
    return;
  }
  for (const name of ADDRESSES) {
    const address = element.getAttribute(name);
    if (address !== null && !here(address)) element.removeAttribute(name);
  }
}

function here(address) {
  try {
    const url = new URL(address, document.baseURI);
    return url.protocol === "data:" || url.origin === location.origin;
  } catch {
    return false;
  }
}

/** Give all ids an ending of their own: the page's drawing may have the same. */
export function renamed(fragment, ending) {
  const ids = new Set([...fragment.querySelectorAll("[id]")].map((element) => element.id));
  const name = (id) => (ids.has(id) ? `${id}${ending}` : id);
  for (const element of fragment.querySelectorAll("*")) {
    for (const { name: attribute, value } of [...element.attributes]) {
      const next = attribute === "id" ? name(value) : pointed(attribute, value, name);
      if (next !== value) element.setAttribute(attribute, next);
    }
  }
}

function pointed(attribute, value, name) {
  if (POINTERS.includes(attribute)) return value.split(" ").map(name).join(" ");
  if (attribute.endsWith("href") && value[0] === "#") return `#${name(value.slice(1))}`;
  if (attribute === "style") return value;
  return value.replace(/url\((["']?)#([^)"']+)\1\)/g, (_, quote, id) => `url(#${name(id)})`);
}

const sheets = new Map();

/** Add style sheets to the page, each text once; return the sheets. */
export function adopt(styles) {
  return styles.map((text) => {
    if (!sheets.has(text)) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(text);
      sheets.set(text, sheet);
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    }
    return sheets.get(text);
  });
}
