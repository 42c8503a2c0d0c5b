/* Knob figures: settings computed at build, switched in the page, no kernel.
 *
 * <moving-parts-knob> holds the figure of one setting and a table of all. On a page of
 * the book `src` names the file with the other drawings, fetched when a control is first
 * touched, and `dials` says what the controls are; in the output of a live cell a JSON
 * script inside the element holds both. No data becomes markup: text goes into text
 * nodes, and a drawing is parsed as XML and copied, element by element, from a list.
 */

const FORMAT = "movingparts.knob/1";
const SVG = "http://www.w3.org/2000/svg";
const PATIENCE = 300; // milliseconds of loading before a message appears
const SETTLED = 700; // milliseconds without a turn before the finding is read out

const TAGS = new Set(["g", "path", "rect", "circle", "text", "tspan", "title", "desc"]);
const ATTRIBUTES = new Set(["class", "id", "role", "aria-labelledby", "viewBox", "width",
  "height", "x", "y", "rx", "cx", "cy", "r", "d", "text-anchor", "data-node"]);

// Taken out before parsing: the page's policy objects even to a style that is not used.
const OWN_STYLE = /<style>(.*?)<\/style>/s;

let knobs = 0;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Parse a drawing; null where the text is none. */
function parsed(text) {
  const root = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  return root.localName === "svg" && root.namespaceURI === SVG ? root : null;
}

/** Give an element the attributes of another one that a drawing may have. */
function attributed(element, from) {
  for (const { name, value } of from.attributes) {
    if (ATTRIBUTES.has(name)) element.setAttribute(name, value);
  }
  return element;
}

/** Copy what a drawing may hold; scripts, handlers and styles stay out. */
function copied(node) {
  if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.data);
  if (node.nodeType !== Node.ELEMENT_NODE || !TAGS.has(node.localName)) return null;
  const copy = attributed(document.createElementNS(SVG, node.localName), node);
  copy.append(...children(node));
  return copy;
}

const children = (node) => [...node.childNodes].map(copied).filter(Boolean);

function checked(data) {
  if (data.format !== FORMAT) throw new Error(`not a knob figure: ${data.format}`);
  return data;
}

class MovingPartsKnob extends HTMLElement {
  connectedCallback() {
    if (this.dials) return;
    const script = this.querySelector(':scope > script[type="application/json"]');
    const here = this.getAttribute("dials");
    if (script) this.data = checked(JSON.parse(script.textContent));
    else if (!here || !this.hasAttribute("src")) return;
    this.dials = script ? this.data.dials : JSON.parse(here);
    this.setting = this.dials.map((dial) => dial.start);
    this.shown = this.index;
    this.find();
    this.build();
  }

  disconnectedCallback() {
    clearTimeout(this.settling);
    this.applyStyle("");
  }

  /** The place of the setting among all of them, the last dial turning fastest. */
  get index() {
    return this.dials.reduce((at, dial, i) => at * dial.values.length + this.setting[i], 0);
  }

  /** Find the parts of the figure that change with the setting. */
  find() {
    const figure = this.querySelector(":scope > .mp-figure");
    this.finding = figure.querySelector(":scope > .mp-title");
    this.svgs = [...figure.querySelectorAll(":scope > .mp-art > svg")];
    this.textTable = figure.querySelector(":scope > .mp-text-table");
    this.rows = [...this.querySelectorAll(":scope > .mp-text-table tbody tr")];
    this.mark();
  }

  build() {
    knobs += 1;
    const box = this.querySelector(":scope > .mp-dials") ?? make("div", { class: "mp-dials" });
    box.replaceChildren(...this.dials.map((dial, i) => this.control(dial, i)));
    for (const [name, value] of [["role", "group"], ["aria-label", "Settings of the figure"],
      ["data-ready", ""]]) box.setAttribute(name, value);
    this.message = make("span", { role: "status" });
    this.status = make("p", { class: "mp-dial-status" }, this.message);
    this.announcement = make("p", { class: "mp-dial-announcement", role: "status" });
    // An output that was put back (Reset of a live cell) holds those of its last life.
    for (const old of this.querySelectorAll(":scope > .mp-dial-status, :scope > .mp-dial-announcement")) {
      old.remove();
    }
    this.prepend(box, this.status, this.announcement);
    for (const event of ["focusin", "pointerdown"]) {
      box.addEventListener(event, () => this.first());
    }
  }

  control(dial, i) {
    const id = `mp-dial-${knobs}-${i}`;
    const name = make("label", { class: "mp-dial-name", for: id, text: dial.label });
    const start = dial.values[dial.start];
    if (dial.kind === "choice") {
      const choice = make("select", { id, autocomplete: "off" },
        ...dial.values.map((text, place) => new Option(text, place)));
      choice.selectedIndex = dial.start;
      choice.addEventListener("input", () => this.turn(i, choice.selectedIndex, choice));
      return make("div", { class: "mp-dial" }, name, choice);
    }
    const last = dial.values.length - 1;
    const range = make("input", { id, type: "range", min: 0, max: last, step: 1,
      value: dial.start, autocomplete: "off", "aria-valuetext": start });
    const value = make("output", { for: id, "aria-live": "off", text: start });
    range.addEventListener("input", () => {
      value.textContent = dial.values[range.value];
      range.setAttribute("aria-valuetext", value.textContent);
      this.turn(i, Number(range.value), range);
    });
    return make("div", { class: "mp-dial" }, name, value, range);
  }

  turn(i, place, control) {
    this.setting[i] = place;
    this.touched = control;
    if (this.data) this.show();
    else this.first();
  }

  /** Load at the first touch; after a failure only Retry does. */
  first() {
    if (!this.requested) this.load();
  }

  async load() {
    if (this.data) return;
    this.requested = true;
    this.setMessage("");
    const slow = setTimeout(() => this.setMessage("Loading the other settings …"), PATIENCE);
    try {
      const answer = await fetch(this.address());
      if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`.trim());
      this.data = checked(await answer.json());
    } catch (error) {
      clearTimeout(slow);
      this.fail(error);
      return;
    }
    clearTimeout(slow);
    this.setMessage("");
    if (this.index !== this.shown) this.show();
  }

  fail(error) {
    const retry = make("button", { type: "button", text: "Retry" });
    retry.addEventListener("click", async () => {
      (this.touched ?? this.querySelector(".mp-dial input, .mp-dial select")).focus();
      await this.load();
    });
    const still = this.dials.map((dial) => `${dial.label} ${dial.values[dial.start]}`);
    this.setMessage(`The other settings could not be loaded (${error.message}).`
      + ` The figure still shows: ${still.join(", ")}.`, retry);
  }

  setMessage(text, ...controls) {
    this.message.textContent = text;
    this.status.replaceChildren(this.message, ...controls);
  }

  /** `src` is relative to the book's root where the page says where that is. */
  address() {
    const root = document.documentElement.dataset.content_root || "./";
    return new URL(this.getAttribute("src"), new URL(root, document.baseURI));
  }

  /** Show the figure of the setting: title, drawing, table, and its row among all. */
  show() {
    const variant = this.data.variants[this.index];
    this.shown = this.index;
    this.finding.textContent = variant.title;
    this.applyStyle(variant.svgs.map((text, i) => this.draw(this.svgs[i], text)).join(""));
    this.tabulate(variant);
    this.mark();
    clearTimeout(this.settling);
    this.settling = setTimeout(() => { this.announcement.textContent = variant.title; }, SETTLED);
  }

  /** Keep the page's <style>, which its policy knows by hash, and change the rest.
   * Returns a style that differs from the page's, or "".
   */
  draw(svg, text) {
    const [all, css] = text.match(OWN_STYLE) ?? ["", ""];
    const fresh = parsed(text.replace(all, ""));
    if (!fresh || !svg) return "";
    attributed(svg, fresh);
    const before = [...svg.childNodes];
    const at = before.findIndex((child) => child.localName === "style");
    const after = children(fresh);
    if (at >= 0) after.splice(at, 0, before[at]);
    svg.replaceChildren(...after);
    return css;
  }

  /** Put a style that differs from the page's into a constructed sheet, "" into none. */
  applyStyle(css) {
    const others = document.adoptedStyleSheets.filter((sheet) => sheet !== this.sheet);
    if (css) {
      this.sheet ??= new CSSStyleSheet();
      this.sheet.replaceSync(css);
      others.push(this.sheet);
    }
    document.adoptedStyleSheets = others;
  }

  tabulate({ caption, table, more }) {
    const [columns, ...rows] = table;
    const cells = (row) => row.map((text) => make("td", { text }));
    this.textTable.querySelector("summary").textContent = caption;
    this.textTable.querySelector("thead tr").replaceChildren(
      ...columns.map((text) => make("th", { scope: "col", text })));
    this.textTable.querySelector("tbody").replaceChildren(
      ...rows.map((row) => make("tr", {}, ...cells(row))));
    this.textTable.querySelector(":scope > p")?.remove();
    if (more) this.textTable.append(make("p", { text: more }));
  }

  /** Mark the setting in the table of all settings. */
  mark() {
    for (const row of this.rows) row.removeAttribute("aria-current");
    this.rows[this.shown]?.setAttribute("aria-current", "true");
  }
}

if (!customElements.get("moving-parts-knob")) {
  customElements.define("moving-parts-knob", MovingPartsKnob);
}
