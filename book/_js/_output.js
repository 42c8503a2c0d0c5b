/* What a live cell shows: streams as they come, a value, an error. */
import { adopt, cleaned, parsed, renamed } from "./_clean.js";

const ANSI = /\u001b\[[0-9;?]*[A-Za-z]/g;
const LONGEST = 3_000_000; // characters of one value
const trimmed = (text) => text.replace(/^\n+|\n+$/g, "");

function made(tag, class_, ...children) {
  const element = document.createElement(tag);
  element.className = class_;
  element.append(...children);
  return element;
}

/** Text, in the elements that the build makes for it. */
function text(kind, words) {
  const pre = made("pre", "", words.replace(ANSI, ""));
  const box = made("div", "highlight", pre);
  return made("div", `output ${kind} highlight-myst-ansi notranslate`, box);
}

/** The output of one cell: as it was built, or, once it has run, as it came out. */
export class Output {
  constructor(cell) {
    this.cell = cell;
    this.built = cell.built.output;
    this.live = null; // what the page shows in place of the built output
    this.runs = 0;
  }

  /** Begin a run; the old output stays until there is new output. */
  begin() {
    this.next = made("div", "cell_output docutils container mp-live-output");
    this.stream = null;
    this.items = []; // the results, for the comparison with the page
    this.runs += 1;
  }

  receive({ type, name, text: words }) {
    if (type === "stream") this.write(name, words);
    else if (type === "display") this.show(name, words);
    else this.note("Here the output was cut: a page can hold no more of it.");
  }

  write(name, words) {
    const kind = name === "stderr" ? "stderr" : "stream";
    if (this.stream?.kind !== kind) {
      const element = text(kind, "");
      this.stream = { kind, words: "", pre: element.querySelector("pre") };
      this.items.push(this.stream);
      this.put(element);
    }
    this.stream.words += words;
    this.stream.pre.append(words.replace(ANSI, ""));
  }

  show(mime, data) {
    this.stream = null;
    this.items.push({ kind: mime, words: data });
    if (data.length > LONGEST) this.note("This value is too long for a page.");
    else if (mime === "text/plain") this.put(text("text_plain", data));
    else if (mime === "text/html") this.rich("text_html", data);
    else if (mime === "image/svg+xml") this.rich("image_svg", data);
    else this.picture(mime, data);
  }

  rich(kind, html) {
    const { fragment, styles } = cleaned(html);
    renamed(fragment, `-live${this.cell.number}-${this.runs}`);
    const sheets = adopt(styles);
    this.put(made("div", `output ${kind}`, fragment));
    define(this.next, sheets);
  }

  picture(mime, data) {
    const image = made("img", "");
    image.alt = `The picture that ${this.cell.name} has made`;
    image.src = `data:${mime};base64,${data}`;
    this.put(made("div", "output image", image));
  }

  note(words) {
    this.stream = null;
    this.put(made("p", "mp-live-note", words));
  }

  put(element) {
    this.next.append(element);
    this.place();
  }

  /** Put the new output where the old one was. */
  place() {
    if (this.live === this.next) return;
    if (this.built) this.built.hidden = true;
    if (this.live) this.live.replaceWith(this.next);
    else this.cell.bar.element.after(this.next);
    this.live = this.next;
  }

  /** End a run; return whether it showed what the page showed. */
  end({ mime, data, error }) {
    if (error) this.put(traceback(error));
    else if (mime) this.show(mime, data);
    if (this.live || this.built) this.place();
    if (this.live && !this.live.hasChildNodes() && !this.built) this.restore();
    return !error && this.items.length > 0 && this.same();
  }

  /** End a run that was stopped from outside. */
  stop(words) {
    if (words) this.note(words);
  }

  /** Show the built output again. */
  restore() {
    this.live?.remove();
    this.live = null;
    if (this.built) this.built.hidden = false;
  }

  same() {
    const { body } = parsed(this.cell.built.html);
    const built = [...body.querySelectorAll(":scope > .output")];
    return built.length === this.items.length &&
      this.items.every(({ kind, words }, i) => alike(built[i], kind, words));
  }
}

/** Whether a built output is what a run has shown. */
function alike(element, kind, words) {
  const plain = element.matches(".text_plain, .stream, .stderr");
  if (plain) return trimmed(element.textContent) === trimmed(words.replace(ANSI, ""));
  if (kind === "text/plain" || !element.matches(".text_html, .image_svg")) return false;
  return bare(element.innerHTML) === bare(words);
}

/** HTML from the sanitizer, without what only affects its look. */
function bare(html) {
  const { fragment } = cleaned(html);
  for (const element of fragment.querySelectorAll("[style]")) element.removeAttribute("style");
  for (const knob of fragment.querySelectorAll("moving-parts-knob")) {
    // The build moves its settings to a file and leaves room for its controls.
    for (const part of knob.querySelectorAll(".mp-dials, script")) part.remove();
    for (const name of ["src", "dials"]) knob.removeAttribute(name);
  }
  return made("div", "", fragment).innerHTML.trim();
}

/** Make a result's elements work: load files that the page may lack.
 *
 * What they show in their shadow roots is drawn with the result's own styles.
 */
function define(element, sheets) {
  const root = new URL(document.documentElement.dataset.content_root ?? "./", location.href);
  const scripts = {
    "moving-parts-player": "_static/player.js",
    "moving-parts-knob": "_static/vendor/js/knob.js",
    "moving-parts-board": "_static/vendor/js/board.js",
  };
  if (element.querySelector("moving-parts-board")) loadStyles("_static/css/board.css", root);
  for (const [name, script] of Object.entries(scripts)) {
    const found = [...element.querySelectorAll(name)];
    if (!found.length) continue;
    // Without it the static drawing stays.
    if (!customElements.get(name)) import(new URL(script, root).href).catch(() => {});
    customElements.whenDefined(name).then(() => {
      for (const { shadowRoot } of found) shadowRoot?.adoptedStyleSheets.push(...sheets);
    });
  }
}

/** Load a style sheet, unless the page has it already. */
function loadStyles(path, root) {
  if (document.querySelector(`link[href*="${path}"]`)) return;
  const link = made("link", "");
  link.rel = "stylesheet";
  link.href = new URL(path, root).href;
  document.head.append(link);
}

/** An error as Python reports it, with the frames of libraries folded. */
function traceback({ last, parts }) {
  const box = made("div", "output traceback mp-live-error");
  if (parts.length) box.append(made("pre", "", "Traceback (most recent call last):"));
  for (const { kind, text: words, count, where } of parts) {
    const pre = made("pre", "", words);
    pre.tabIndex = 0; // it scrolls
    if (kind !== "library") {
      box.append(pre);
      continue;
    }
    const frames = count === 1 ? "1 step" : `${count} steps`;
    box.append(made("details", "", made("summary", "", `${frames} in ${where}`), pre));
  }
  box.append(made("pre", "mp-live-last", last));
  return box;
}
