/* What the tests ask of a page in the browser: each function is one fact.
 *
 * seen.py sends this text along with the name of a function, so it also works where a
 * page's own scripts are off.
 */
const all = (where) => [...document.querySelectorAll(where)];
const name = (e) => `${e.localName}.${e.className}`;
const shown = (e) => e.checkVisibility({ visibilityProperty: true });

function ids() {
  return all("[id]").map((e) => e.id);
}

function links() {
  return all("a[href]").map((e) => e.href);
}

/** How wide the page is, for a reader who can see `innerWidth` of it. */
function width() {
  return document.documentElement.scrollWidth;
}

function openFolds() {
  for (const fold of all("details")) fold.open = true;
}

// --- Structure -----------------------------------------------------------------------

/** Landmarks, the names of navigations, and the levels of headings. */
function structure() {
  const visible = (where) => all(where).filter((e) => e.checkVisibility());
  const outer = (where) =>
    visible(where).filter((e) => !e.closest("main, article, section, aside, nav"));
  const label = (e) => e.getAttribute("aria-label") ??
    document.getElementById(e.getAttribute("aria-labelledby"))?.textContent.trim();
  return {
    main: visible("main, [role=main]").length,
    banner: outer("header").length,
    contentinfo: outer("footer").length,
    navigations: visible("nav").map(label),
    levels: visible("h1, h2, h3, h4, h5, h6, [role=heading]").map(
      (e) => Number(e.getAttribute("aria-level") ?? e.localName[1])),
  };
}

/** Drawings that lack a title or a description. */
function wordless() {
  return all("svg[role=img]").filter((svg) => {
    const title = svg.querySelector(":scope > title")?.textContent ??
      svg.getAttribute("aria-label");
    const described = svg.querySelector(":scope > desc") ??
      svg.closest("figure")?.querySelector("figcaption");
    return !title || !described?.textContent.trim();
  }).map((svg) => svg.outerHTML.slice(0, 200));
}

/** Mark words of listings that look as another one does: axe need not see them all. */
function markRepeated() {
  const looks = new Set();
  for (const word of all("pre span")) {
    const look = [word.className, word.parentElement.className,
      getComputedStyle(word).color].join();
    word.toggleAttribute("data-repeated", looks.has(look));
    looks.add(look);
  }
}

// --- Size ----------------------------------------------------------------------------

/** What scripts add to, with the height that it has now. */
function heights() {
  const adorned = "article .mp-question, .mp-exercise, article .cell, " +
    "moving-parts-knob, moving-parts-board";
  return Object.fromEntries(all(adorned).map((e, i) => [
    `${i} ${e.id || e.className || e.localName}`,
    Math.round(e.getBoundingClientRect().height),
  ]));
}

/** What stays on the screen while the page scrolls, and takes a quarter of it. */
function stuck() {
  return all("body *").filter((e) => {
    const box = e.getBoundingClientRect();
    return box.top >= 0 && box.bottom > 0 && box.top < innerHeight &&
      box.height > innerHeight / 4 &&
      ["sticky", "fixed"].includes(getComputedStyle(e).position) &&
      e.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  }).map(name);
}

/** What scrolls sideways, and not by keyboard. */
function unreached() {
  return all("body *").filter((e) =>
    e.scrollWidth > e.clientWidth + 1 &&
    ["auto", "scroll"].includes(getComputedStyle(e).overflowX) && shown(e) &&
    e.tabIndex < 0 && !e.querySelector("a[href], button, input, summary, [tabindex='0']"),
  ).map(name);
}

/** Set lines, letters and words as wide apart as a reader may need them. */
function space() {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }`);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}

/** Text that does not fit the box that hides what sticks out. */
function cut() {
  return all("main *, footer *").filter((e) => {
    const { overflowX, overflowY } = getComputedStyle(e);
    const box = e.getBoundingClientRect();
    const hides = (overflow) => ["hidden", "clip"].includes(overflow);
    return box.width > 2 && box.height > 2 &&
      (hides(overflowY) && e.scrollHeight > e.clientHeight + 2 ||
       hides(overflowX) && e.scrollWidth > e.clientWidth + 2) &&
      e.innerText?.trim() && shown(e);
  }).map(name);
}

// --- Motion and color ----------------------------------------------------------------

/** How many animations run. */
function moving() {
  return document.getAnimations().filter((each) =>
    each.playState === "running" && each.effect.getComputedTiming().duration > 0).length;
}

/** What would change slowly. */
function transitions() {
  return all("*").filter((e) => getComputedStyle(e).transitionDuration.split(",").some(
    (time) => parseFloat(time) > 0)).map(name);
}

/** Controls that cannot be seen in a system's own colors. */
function unseen() {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = "Canvas";
  const paper = getComputedStyle(probe).color;
  probe.remove();
  return all("button, summary, .btn, select").filter(shown).filter((e) => {
    const style = getComputedStyle(e);
    const text = style.forcedColorAdjust !== "none" && style.color === paper;
    const icon = e.querySelector(".fa-solid");
    const drawn = icon && icon.checkVisibility() &&
      getComputedStyle(icon, "::before").backgroundColor === paper;
    const bare = e.localName === "button" && parseFloat(style.borderTopWidth) < 1;
    return text || drawn || bare;
  }).map((e) => e.outerHTML.slice(0, 100));
}

function paper() {
  return getComputedStyle(document.body).backgroundColor;
}

// --- Keyboard ------------------------------------------------------------------------

/** Whether a ring is drawn; a choice is drawn by the letter beside it. */
function ringed(e) {
  return [e, e.nextElementSibling, e.firstElementChild].some((each) => {
    const style = each ? getComputedStyle(each) : null;
    return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
}

function focused() {
  let here = document.activeElement;
  while (here?.shadowRoot?.activeElement) here = here.shadowRoot.activeElement;
  return here === document.body ? null : here;
}

/** Note each stop of the Tab key from now on. */
function noteStops() {
  window.mpStops = [];
  let last = null;
  addEventListener("keyup", ({ key }) => {
    const here = key === "Tab" ? focused() : null;
    if (!here) return;
    const box = here.getBoundingClientRect();
    const host = here.getRootNode().host ?? here;
    const back = last && !last.contains(host) &&
      last.compareDocumentPosition(host) & Node.DOCUMENT_POSITION_PRECEDING;
    last = host;
    const again = window.mpStops.some((stop) => stop.element === here);
    window.mpStops.push({
      element: here,
      again,
      name: `${name(here)}: ` +
        (here.getAttribute("aria-label") || here.textContent || "").trim().slice(0, 50),
      ring: ringed(here),
      "in order": !back,
      "on screen": box.width > 0 && box.height > 0 && box.right > 0 && box.bottom > 0 &&
        box.left < innerWidth && box.top < innerHeight,
    });
  }, true);
}

/** The stops so far; the last one may be the first once more. */
function stops() {
  return window.mpStops.map(({ element, ...stop }) => stop);
}

/** The stops that show no ring as the page looks now. */
function ringless() {
  return window.mpStops.filter(({ element }) => {
    element.focus({ focusVisible: true, preventScroll: true });
    return shown(element) && !ringed(element);
  }).map((stop) => stop.name);
}

/** What takes the focus by its kind, and yet is no stop of the Tab key. */
function passedOver() {
  const roots = [document, ...all("moving-parts-player").map((e) => e.shadowRoot)];
  const stops = new Set(window.mpStops.map((stop) => stop.element));
  const kinds = "a[href], button, input:not([type=radio]), select, textarea, " +
    "details > summary:first-of-type, [tabindex='0']";
  return roots.filter(Boolean).flatMap((root) => [...root.querySelectorAll(kinds)])
    .filter((e) => !e.disabled && shown(e) && !e.closest("[inert]") && !stops.has(e))
    .map((e) => `${name(e)}: ${e.textContent.trim().slice(0, 50)}`);
}

// --- Without scripts -----------------------------------------------------------------

/** Text that nobody can read, whatever is opened. */
function hidden() {
  const silent = ["SCRIPT", "STYLE", "TEMPLATE", "NOSCRIPT", "TITLE", "DESC"];
  const elsewhere = "svg, .katex-mathml, .visually-hidden, .headerlink, noscript, " +
    ".mp-note, .mp-dials, .mp-workspace, .mp-meaning, .mp-live-hint, " +
    "details.hide > summary"; // which has two names, for open and for closed
  return all("article *").filter((e) =>
    [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) &&
    !silent.includes(e.tagName.toUpperCase()) && !e.closest(elsewhere) &&
    !e.checkVisibility({ visibilityProperty: true, opacityProperty: true }),
  ).map((e) => e.outerHTML.slice(0, 100));
}

/** Buttons that do nothing, for want of scripts. */
function dead() {
  return all("button, .pst-js-only").filter(shown).map(name);
}

/** Drawings that do not show. */
function undrawn() {
  // Of two layouts, for a desk and for a phone, one shows.
  const another = (e) => [...e.parentElement.querySelectorAll("svg[role=img]")].some(shown);
  return all("article svg[role=img]").filter((e) => !shown(e) && !another(e)).map(
    (e) => e.outerHTML.slice(0, 100));
}
