/* The search: in a dialog over each page, and on its own page (search/?q=…).
 *
 * pagefind, made beside the pages by tools/site/search.py, finds; here it is asked and
 * what it found is shown, page by page. Nothing of it is loaded before the search is
 * opened. pagefind's own parts were tried: they load a hit when it comes into view, so a
 * quick Tab key passes hits over, and the list moves while it is read.
 */
const root = new URL(document.documentElement.dataset.content_root ?? "./", location.href);
const PAGES = 10; // that are shown
const PLACES = 4; // in each of them
const PAUSE = 150; // milliseconds between the last key and the search
let engine = null;
let dialog = null;

async function load() {
  const found = await import(new URL("pagefind/pagefind.js", root).href);
  await found.options({ baseUrl: root.pathname, excerptLength: 20 });
  await found.init();
  return found;
}

function made(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** An excerpt as pagefind marks it up; of the markup, only the marks are taken over. */
function marked(excerpt) {
  const { body } = new DOMParser().parseFromString(excerpt, "text/html");
  return [...body.childNodes].map((node) =>
    node.nodeName === "MARK" ? made("mark", {}, node.textContent) : node.textContent,
  );
}

function placeIn({ title, url, excerpt }) {
  return made("li", {}, made("a", { href: url },
    made("span", { className: "mp-search-place" }, title),
    made("span", { className: "mp-search-excerpt" }, ...marked(excerpt))));
}

function pageOf({ url, meta, excerpt, sub_results: places }) {
  const inside = places.filter((place) => place.url !== url).slice(0, PLACES);
  const whole = made("a", { href: url }, made("span", { className: "mp-search-page" }, meta.title));
  if (inside.length < places.length || !inside.length) {
    const best = places.find((place) => place.url === url) ?? { excerpt };
    whole.append(made("span", { className: "mp-search-excerpt" }, ...marked(best.excerpt)));
  }
  const item = made("li", {}, whole);
  if (inside.length) item.append(made("ul", {}, ...inside.map(placeIn)));
  return item;
}

function counted(hits, words) {
  if (!hits) return `Nothing holds “${words}”. Try fewer words, or a part of a name: a word of the text or of the code.`;
  const pages = hits === 1 ? "1 page" : `${hits} pages`;
  const shown = hits > PAGES ? `, the best ${PAGES} are shown` : "";
  return `${pages} with “${words}”${shown}. Arrow keys go through them.`;
}

/** A field with what it finds; `onSearch` gets the words of each search. */
class Search {
  constructor(onSearch) {
    this.onSearch = onSearch;
    this.turn = 0;
    this.input = made("input", {
      type: "search", name: "q", placeholder: "A word, or a name in the code",
      autocomplete: "off", spellcheck: false, autocapitalize: "off", maxLength: 200,
    });
    this.input.setAttribute("aria-label", "Search the book");
    this.form = made("form", { className: "mp-search-form", action: new URL("search/", root).href }, this.input);
    this.form.setAttribute("role", "search");
    this.count = made("p", { className: "mp-search-count" });
    this.count.setAttribute("role", "status");
    this.hits = made("ol", { className: "mp-search-hits" });
    this.hits.setAttribute("aria-label", "Pages");
    this.hits.setAttribute("role", "list"); // which some browsers drop with the bullets
    this.parts = [this.form, this.count, this.hits];
    this.input.addEventListener("input", () => this.soon());
    this.form.addEventListener("submit", (event) => this.first(event));
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.run(), PAUSE);
  }

  async run() {
    clearTimeout(this.timer);
    const words = this.input.value.trim();
    const turn = ++this.turn;
    this.onSearch(words);
    if (!words) return this.show([], "");
    try {
      engine ??= load();
      const { results } = await (await engine).search(words);
      const pages = await Promise.all(results.slice(0, PAGES).map((result) => result.data()));
      if (turn === this.turn) this.show(pages, counted(results.length, words));
    } catch {
      engine = null;
      if (turn === this.turn) {
        this.show([], "The index of the book could not be loaded. Check the connection, then press Enter.");
      }
    }
    return undefined;
  }

  show(pages, message) {
    this.hits.replaceChildren(...pages.map(pageOf));
    this.count.textContent = message;
  }

  /** Enter: search now, then go to the first page found. */
  async first(event) {
    event.preventDefault();
    await this.run();
    this.hits.querySelector("a")?.focus();
  }

  /** Arrow keys: from the field through the hits and back. */
  step(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    const stops = [this.input, ...this.hits.querySelectorAll("a")];
    const next = stops[stops.indexOf(document.activeElement) + by];
    event.preventDefault();
    next?.focus();
  }
}

function make() {
  const search = new Search(() => {});
  const close = made("button", { type: "button" }, "Close");
  search.form.append(close);
  const body = made("div", { className: "mp-search" }, ...search.parts);
  dialog = made("dialog", { className: "mp-search-dialog" }, body);
  dialog.setAttribute("aria-label", "Search the book");
  dialog.search = search;
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault(); // which would only empty the field
      dialog.close();
    } else search.step(event);
  });
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("a")) dialog.close();
  });
  document.body.append(dialog);
}

/** Open the search over the page; what was typed before is there, selected. */
export function openSearch() {
  if (!dialog) make();
  if (!dialog.open) dialog.showModal();
  dialog.search.input.focus();
  dialog.search.input.select();
}

/** Put the search into its own page; the address holds what is searched for. */
export function showSearch(place) {
  const search = new Search((words) => {
    const here = new URL(location.href);
    here.search = words ? new URLSearchParams({ q: words }) : "";
    history.replaceState(null, "", here);
  });
  place.append(...search.parts);
  place.addEventListener("keydown", (event) => search.step(event));
  search.input.value = (new URLSearchParams(location.search).get("q") ?? "").slice(0, 200);
  search.input.focus();
  if (search.input.value) search.run();
}
