/* The player of Moving Parts: one file, no dependencies.
 *
 * It plays a recording whose layout movingparts.draw has computed. Time runs down the
 * sequence diagram, so what has not happened yet is what lies below the playhead: the
 * drawing stays as it is, a cover hides its lower part, and only the messages that are
 * under way (● calls, ▲ events) are redrawn in each frame.
 *
 * On a page it is <moving-parts-player> around an SVG, a table and a JSON script. In
 * JupyterLab it is an anywidget (the default export). The fallback stays in the light
 * DOM; controls live in a shadow root with a constructed style sheet, which a strict
 * content security policy allows. No data ever becomes markup: text goes into text
 * nodes, and a drawing is parsed as XML and copied, element by element, from a list.
 */

const SVG = "http://www.w3.org/2000/svg";
const PACE = 80; // pixels of the sequence a second, at speed 1
const SPEEDS = [0.25, 0.5, 1, 2, 4];
const STEP_PAUSE = 900; // milliseconds a step, where motion is not wanted
const LINGER = 44; // pixels for which ✕ stays on the map after a loss
const GONE = new Set(["lost", "blocked", "refused"]);
const HALFWAY = new Set(["lost", "blocked", "in flight"]);

const STYLE = `
:host { display: block; max-width: 100%; color: var(--mp-ink, #2e3440);
  font: 1rem/1.4 var(--mp-font-sign, "Segoe UI", Roboto, Helvetica, Arial, sans-serif);
  --paper: var(--mp-paper, #fcfcfa); --line: var(--mp-line-strong, #7d8797);
  --hair: var(--mp-line, #d9dee5); --accent: var(--mp-request, #0072b2);
  --event: var(--mp-event, #e69f00); --edge: var(--mp-event-edge, #7d5600);
  --alarm: var(--mp-failure, #d55e00); --quiet: var(--mp-muted, #596273);
  --wash: var(--mp-surface, #f2f4f6); --focus: var(--mp-focus, #0072b2); }
@media (prefers-color-scheme: dark) { :host { color: var(--mp-ink, #d8dee9);
  --paper: var(--mp-paper, #161a21); --line: var(--mp-line-strong, #77849a);
  --hair: var(--mp-line, #333b48); --accent: var(--mp-request, #4aa8e0);
  --edge: var(--mp-event-edge, #ffd98a); --alarm: var(--mp-failure, #ee7d2b);
  --quiet: var(--mp-muted, #9ca8b9); --wash: var(--mp-surface, #1f252e);
  --focus: var(--mp-focus, #6dbdf0); } }
.frame { border: 1px solid var(--hair); border-radius: 8px; background: var(--paper);
  overflow: hidden; }
.stage { position: relative; max-height: max(26rem, 82vh); overflow: hidden auto; }
.pane { position: relative; width: fit-content; max-width: 100%; margin: 0 auto; }
[hidden] { display: none !important; }
.pane svg { display: block; max-width: 100%; height: auto; }
.pane svg.over { position: absolute; inset: 0; width: 100%; height: 100%;
  pointer-events: none; }
.heads { position: sticky; top: 0; z-index: 1; height: 0; }
.cover { fill: var(--paper); opacity: .84; }
.playhead { stroke: var(--accent); stroke-width: 1.5; stroke-dasharray: 2 4; }
.dot { fill: var(--accent); stroke: var(--paper); stroke-width: 2; }
.dot.event, .dot.ack { fill: var(--event); stroke: var(--edge); stroke-width: 1.5; }
.cross { stroke: var(--alarm); stroke-width: 3; stroke-linecap: round; fill: none; }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem .5rem; }
.bar { padding: .5rem .6rem; border-top: 1px solid var(--hair); }
button, select { font: inherit; font-size: .875rem; color: inherit; min-height: 2rem;
  min-width: 2rem; padding: .15rem .5rem; background: var(--wash); cursor: pointer;
  border: 1px solid var(--line); border-radius: 6px; }
button:hover, select:hover { border-color: var(--accent); }
button svg { width: 1rem; height: 1rem; display: block; fill: currentColor; }
input { flex: 1 1 8rem; min-width: 6rem; min-height: 2rem; margin: 0; cursor: pointer;
  accent-color: var(--accent); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.stage:focus-visible { outline-offset: -3px; }
.time { font-size: .875rem; font-variant-numeric: tabular-nums; min-width: 5rem; }
.now { margin: 0; padding: 0 .75rem .6rem; font-size: .875rem; min-height: 1.4em;
  color: var(--quiet); overflow-wrap: anywhere; }
.text-table { font-size: .875rem; margin-top: .5rem; }
.scroll { overflow: auto; max-height: 24rem; }
th, td { text-align: left; padding: .15rem .6rem .15rem 0; vertical-align: top; }
tr[aria-current] { background: var(--wash); box-shadow: inset 3px 0 var(--accent); }
@media print { .bar, .now, .over, .heads { display: none !important; }
  .frame { border: 0; } .stage { max-height: none; overflow: visible; } }
`;

// What the current row looks like in a table that stands outside the shadow root.
const LIGHT = `moving-parts-player tr[aria-current] {
  background: var(--mp-request-wash, rgba(0, 114, 178, .16)); }`;

const ICONS = {
  play: "M3 1.5v13l11-6.5z",
  pause: "M3 2h3.5v12H3zM9.5 2H13v12H9.5z",
  back: "M2 2h2v12H2zM14 2v12L5 8z",
  next: "M12 2h2v12h-2zM2 2v12l9-6z",
};

/** Give a document or a shadow root one of the style sheets above, once. */
const sheets = new Map();
function styled(root, css) {
  if (!sheets.has(css)) {
    sheets.set(css, new CSSStyleSheet());
    sheets.get(css).replaceSync(css);
  }
  if (!root.adoptedStyleSheets.includes(sheets.get(css))) {
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheets.get(css)];
  }
}

/** Give an element attributes (`text` is its text) and children, in order. */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const make = (tag, attributes = {}, ...children) =>
  filled(document.createElement(tag), attributes, children);
const draw = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, tag), attributes, children);

const TAGS = new Set(["svg", "g", "path", "rect", "circle", "text", "tspan", "title",
  "desc", "style"]);
const ATTRIBUTES = new Set(["class", "id", "role", "aria-labelledby", "viewBox", "width",
  "height", "x", "y", "rx", "cx", "cy", "r", "d", "text-anchor", "data-node"]);

/** Parse a drawing and copy what a drawing may hold; scripts and handlers stay out. */
function drawing(text, root) {
  const bare = text.replace(/<style>([^<]*)<\/style>/g, (_, css) => styled(root, css) ?? "");
  return copied(new DOMParser().parseFromString(bare, "image/svg+xml").documentElement);
}

function copied(node) {
  if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.data);
  if (node.nodeType !== Node.ELEMENT_NODE || !TAGS.has(node.localName)) return null;
  const copy = draw(node.localName);
  for (const { name, value } of node.attributes) {
    if (ATTRIBUTES.has(name)) copy.setAttribute(name, value);
  }
  for (const child of node.childNodes) {
    const inside = copied(child);
    if (inside) copy.append(inside);
  }
  return copy;
}

/** Find the last index whose value is at most `value`; -1 if there is none. */
function before(values, value) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The recording in the layout for a phone: other places, the same happenings. */
const narrowed = (data) => ({ ...data, ...data.narrow,
  svg: { ...data.svg, ...(data.svg.narrow && { sequence: data.svg.narrow }) },
  messages: data.messages.map((m, i) => [...m.slice(0, 4), ...data.narrow.ends[i], m[8]]) });

/** Map between two growing lists, straight from one point to the next. */
function between(from, to, value) {
  const i = before(from, value);
  if (i < 0) return to.length ? to[0] : 0;
  if (i >= from.length - 1) return to[to.length - 1];
  return to[i] + ((value - from[i]) * (to[i + 1] - to[i])) / (from[i + 1] - from[i]);
}

const icon = (name) => draw("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" },
  draw("path", { d: ICONS[name] }));

/** The marks under way: a pool, of which each frame uses as many as it needs. */
class Marks {
  constructor(layer) {
    this.layer = layer;
    this.pools = { dot: [], event: [], ack: [], cross: [] };
    this.used = { dot: 0, event: 0, ack: 0, cross: 0 };
  }

  begin() {
    for (const kind in this.used) this.used[kind] = 0;
  }

  put(kind, x, y) {
    const pool = this.pools[kind];
    const at = this.used[kind]++;
    if (at === pool.length) pool.push(this.layer.appendChild(this.mark(kind)));
    const mark = pool[at];
    mark.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    mark.removeAttribute("display");
  }

  end() {
    for (const [kind, pool] of Object.entries(this.pools)) {
      for (const mark of pool.slice(this.used[kind])) mark.setAttribute("display", "none");
    }
  }

  mark(kind) {
    const class_ = kind === "cross" ? kind : `dot ${kind}`;
    const d = { cross: "M-7 -7L7 7M-7 7L7 -7", event: "M-8 6L0 -8L8 6Z" }[kind];
    if (d) return draw("path", { class: class_, d });
    return draw("circle", { class: class_, r: kind === "ack" ? 4.5 : 7 });
  }
}

const HTML = typeof HTMLElement === "undefined" ? class {} : HTMLElement;

class MovingPartsPlayer extends HTML {
  connectedCallback() {
    if (this.shadowRoot) return;
    const script = this.querySelector('script[type="application/json"]');
    const text = script ? script.textContent : "";
    if (!this.data && !text) return;
    this.build();
    this.load(this.data || JSON.parse(text));
  }

  disconnectedCallback() {
    this.pause();
    for (const watcher of [this.sizes, this.views]) if (watcher) watcher.disconnect();
  }

  build() {
    const root = this.attachShadow({ mode: "open" });
    styled(root, STYLE);
    styled(this.ownerDocument, LIGHT);
    const name = this.getAttribute("label") || "A recording";
    this.stage = make("div", { class: "stage", tabindex: "0", role: "group",
      "aria-label": `${name}: drawing` }, make("div", { class: "pane" }, make("slot", {
      name: "art" })));
    this.frame = make("div", { class: "frame", role: "group", "aria-label": name },
      this.stage);
    root.append(make("slot", { name: "title" }), this.frame,
      make("slot", { name: "table" }));
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.phone = matchMedia("(max-width: 520px)");
    this.phone.addEventListener("change", () => this.whole && this.load(this.whole));
    this.addEventListener("keydown", (event) => this.key(event));
  }

  load(data) {
    if (data.format !== "movingparts.player/1") {
      throw new Error(`not a recording for this player: ${data.format}`);
    }
    this.pause();
    this.whole = data;
    this.data = data = this.phone.matches && data.narrow ? narrowed(data) : data;
    const ys = data.ys.length ? data.ys : [data.heads + 32];
    this.first = ys[0];
    this.last = Math.max(ys[ys.length - 1], this.first + 1);
    this.at = this.first - 0.01;
    this.row = -1;
    this.fresh = true; // the whole drawing shows until it is played, or stepped through
    this.stage.replaceChildren();
    this.frame.replaceChildren(this.stage);
    this.panes = { sequence: this.pane("sequence"), topology: this.pane("topology") };
    this.table();
    this.bar();
    this.sizes ??= new ResizeObserver(() => this.measure());
    this.sizes.observe(this.stage);
    this.views ??= new IntersectionObserver((seen) => this.begin(seen), { threshold: 0.6 });
    this.views.observe(this.frame);
    this.show(data.view);
    const keys = matchMedia("(hover: none)").matches ? "" : " with the keys ← and →";
    this.now.textContent = `Play it, or step through it${keys}.`;
  }

  /** Play once when it comes into view, unless its reader wants no motion or has begun. */
  begin(seen) {
    if (!seen.some((entry) => entry.isIntersecting)) return;
    this.views.disconnect();
    if (this.fresh && !this.calm.matches) this.play();
  }

  /** Put a drawing on the stage: the one the page brought, or one from the data. */
  pane(view) {
    const { data } = this;
    const brought = !data.svg[view];
    const narrow = data !== this.whole && view === "sequence"; // a map has but one
    const named = narrow ? "svg.mp-narrow" : "svg";
    let art = brought ? this.querySelector(`[slot=art] ${named}`)
      : drawing(data.svg[view], this.shadowRoot);
    const pane = make("div", { class: "pane", "data-view": view });
    pane.append(brought ? make("slot", { name: "art" }) : art);
    art = art || draw("svg", { viewBox: `0 0 ${data.size[0]} ${data.size[1]}` });
    const [, , wide, high] = art.getAttribute("viewBox").split(" ").map(Number);
    const over = draw("svg", { class: "over", viewBox: `0 0 ${wide} ${high}`,
      "aria-hidden": "true" });
    if (view === "sequence") {
      this.cover = draw("rect", { class: "cover", width: wide, height: high });
      this.line = draw("path", { class: "playhead", d: `M0 0H${wide}` });
      over.append(this.cover, this.line);
      pane.prepend(this.heads(art, wide));
    }
    pane.append(over);
    this.stage.append(pane);
    return { pane, over, art, wide, marks: new Marks(over), nodes: art.querySelectorAll(
      "[data-node]") };
  }

  /** Copy the names of the lifelines, to stay at the top while the drawing scrolls. */
  heads(art, wide) {
    const high = this.data.heads;
    const copy = draw("svg", { class: art.getAttribute("class") || "", width: wide,
      height: high, viewBox: `0 0 ${wide} ${high}` });
    const parts = art.querySelectorAll(":scope > style, :scope > .bg, :scope > .heads");
    for (const part of parts) copy.append(copied(part));
    return make("div", { class: "heads", "aria-hidden": "true" }, copy);
  }

  /** Find the table that says what happens, or make it from the data. */
  table() {
    const { data } = this;
    if (data.table) {
      const [columns, ...rows] = data.table;
      const cells = (tag, row) => row.map((text) => make(tag, { text }));
      const body = make("tbody", {}, ...rows.map((row) => make("tr", {},
        ...cells("td", row))));
      const details = make("details", { class: "text-table" }, make("summary", { text:
        "What happened, as a table" }), make("div", { class: "scroll", tabindex: "0",
        role: "group", "aria-label": "Table" }, make("table", {}, make("thead", {},
        make("tr", {}, ...cells("th", columns))), body)));
      this.shadowRoot.querySelector("slot[name=table]").replaceWith(details);
      this.rows = [...body.rows];
    } else {
      this.rows = [...this.querySelectorAll("[slot=table] tbody tr")];
    }
    // A map's table lists links, not happenings: then there is no row to mark.
    if (this.rows.length !== data.rows.length) this.rows = [];
  }

  bar() {
    const button = (name, label, act) => {
      const labels = { type: "button", "aria-label": label, title: label };
      const made = make("button", labels, icon(name));
      made.addEventListener("click", act);
      return made;
    };
    const range = make("input", { type: "range", min: this.first, max: this.last,
      step: "any", "aria-label": "Time" });
    range.addEventListener("input", () => {
      this.pause();
      this.seek(Number(range.value));
    });
    const speed = make("select", { "aria-label": "Speed", title: "Speed" });
    for (const value of SPEEDS) {
      speed.append(make("option", { value, text: `${value}×` }));
    }
    speed.value = "1";
    const view = make("button", { type: "button" });
    view.addEventListener("click", () => this.toggle());
    this.controls = {
      back: button("back", "Step back", () => this.step(-1)),
      play: button("play", "Play", () => this.toggle_play()),
      next: button("next", "Step forward", () => this.step(1)),
      range,
      time: make("output", { class: "time", "aria-live": "off" }),
      speed,
      view,
    };
    this.now = make("p", { class: "now", "aria-live": "polite" });
    this.frame.append(make("div", { class: "bar" }, ...Object.values(this.controls)),
      this.now);
  }

  get playing() {
    return this.frame_id !== undefined || this.timer !== undefined;
  }

  /** The time that is shown, in microseconds since the world began. */
  get time() {
    return between(this.data.ys, this.data.times, this.at);
  }

  set time(at_us) {
    this.pause();
    this.seek(between(this.data.times, this.data.ys, at_us));
  }

  get view() {
    return this.panes.sequence.pane.hidden ? "topology" : "sequence";
  }

  /** The messages under way at the time that is shown, by their place in the data. */
  get underWay() {
    const now = this.time + 0.5;
    return this.data.messages.flatMap((m, i) => (m[2] <= now && now < m[3] ? [i] : []));
  }

  toggle_play() {
    return this.playing ? this.pause() : this.play();
  }

  play() {
    if (this.playing) return;
    this.fresh = false;
    if (this.at >= this.last) this.seek(this.first - 0.01, -1);
    this.icon("pause", "Pause");
    this.now.setAttribute("aria-live", "off");
    if (this.calm.matches) {
      const next = () => {
        this.timer = setTimeout(next, STEP_PAUSE / Number(this.controls.speed.value));
        this.forward(1);
        if (this.at >= this.last) this.pause();
      };
      this.timer = setTimeout(next, 0);
      return;
    }
    let past;
    const tick = (now) => {
      this.frame_id = requestAnimationFrame(tick);
      const passed = past === undefined ? 0 : Math.min(now - past, 100);
      past = now;
      const pace = (PACE * Number(this.controls.speed.value)) / 1000;
      this.seek(this.at + passed * pace);
      if (this.at >= this.last) this.pause();
    };
    this.frame_id = requestAnimationFrame(tick);
  }

  pause() {
    if (!this.playing) return;
    cancelAnimationFrame(this.frame_id);
    clearTimeout(this.timer);
    this.frame_id = this.timer = undefined;
    this.icon("play", "Play");
    this.now.setAttribute("aria-live", "polite");
  }

  icon(name, label) {
    const { play } = this.controls;
    play.replaceChildren(icon(name));
    play.setAttribute("aria-label", label);
    play.title = label;
  }

  step(by) {
    this.pause();
    this.forward(by);
  }

  /** Go to the next or the previous happening; several may share one time. */
  forward(by) {
    const { rows, times, ys } = this.data;
    const row = this.row + by;
    if (row >= rows.length) return this.seek(this.last);
    if (row < 0) return this.seek(this.first - 0.01, -1);
    return this.seek(between(times, ys, rows[row]), row);
  }

  toggle() {
    this.show(this.view === "sequence" ? "topology" : "sequence");
  }

  show(view) {
    for (const pane of this.stage.querySelectorAll(".pane")) {
      pane.hidden = pane.dataset.view !== view;
    }
    const other = view === "sequence" ? "Map" : "Sequence";
    this.controls.view.textContent = other;
    this.controls.view.title = `Show the ${other.toLowerCase()} (v)`;
    this.measure();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const from = event.composedPath()[0];
    const tag = from.localName;
    const presses = event.key === " " && ["button", "summary"].includes(tag);
    if (tag === "select" || presses) return;
    const acts = {
      " ": () => this.toggle_play(),
      ArrowLeft: () => this.step(-1),
      ArrowRight: () => this.step(1),
      Home: () => this.step(-Infinity),
      End: () => this.step(Infinity),
      v: () => this.toggle(),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  measure() {
    if (!this.panes) return;
    const { pane, wide } = this.panes.sequence;
    this.scale = pane.hidden ? 0 : pane.clientWidth / wide;
    this.room = this.stage.clientHeight;
    this.place(this.at);
  }

  /** Go to a place in the sequence; `row` says which of several happenings there. */
  seek(at, row) {
    const { rows } = this.data;
    this.fresh = false;
    this.at = Math.min(Math.max(at, this.first - 0.01), this.last);
    const old = this.row;
    const now = this.at < this.first ? -1 : before(rows, this.time + 0.5);
    this.row = row ?? (this.at >= this.last ? rows.length - 1 : now);
    if (this.row !== old) this.mark(old, this.row);
    this.place(this.at);
    this.follow();
  }

  /** Draw the moment: the cover, the line, and every message under way. */
  place(at) {
    const { controls, data } = this;
    if (!controls) return;
    const on_map = this.panes.sequence.pane.hidden;
    const { marks } = on_map ? this.panes.topology : this.panes.sequence;
    marks.begin();
    const now = this.time + 0.5;
    for (const message of data.messages) {
      const [kind, fate, sent, ended, x0, y0, x1, y1, link] = message;
      if (this.fresh || now < sent || at >= y1 + LINGER) continue;
      if (now >= ended) {
        if (on_map && GONE.has(fate)) this.along(marks, "cross", link, fate, 1);
        continue;
      }
      const part = Math.max((at - y0) / Math.max(y1 - y0, 1), 0); // a tail may start lower
      const shape = kind === "event" || kind === "ack" ? kind : "dot";
      if (on_map) this.along(marks, shape, link, fate, part);
      else marks.put(shape, x0 + (x1 - x0) * part, Math.max(at, y0));
    }
    marks.end();
    if (on_map) this.downs();
    else {
      this.cover.setAttribute("y", Math.round(at * 10) / 10);
      this.line.setAttribute("transform", `translate(0 ${at.toFixed(1)})`);
      const shown = this.fresh || at >= this.last ? "none" : "inline";
      for (const mark of [this.line, this.cover]) mark.setAttribute("display", shown);
    }
    const time = this.clock();
    controls.range.value = at;
    controls.range.setAttribute("aria-valuetext", time);
    controls.time.textContent = time;
  }

  along(marks, shape, link, fate, part) {
    if (link < 0) return;
    const [x0, y0, x1, y1] = this.data.links[link];
    const far = HALFWAY.has(fate) ? part / 2 : part;
    marks.put(shape, x0 + (x1 - x0) * far, y0 + (y1 - y0) * far);
  }

  /** Dot the outline of nodes that are down. */
  downs() {
    const now = this.time;
    const down = this.data.downs.filter(([, from, to]) => from <= now
      && (to === null || now < to)).map(([name]) => name);
    for (const node of this.panes.topology.nodes) {
      node.classList.toggle("down", down.includes(node.getAttribute("data-node")));
    }
  }

  clock() {
    const { unit, digits } = this.data;
    const per = { "µs": 1, ms: 1e3, s: 1e6, h: 3.6e9 }[unit];
    const places = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    return `${(Math.max(this.time, 0) / per).toLocaleString("en", places)} ${unit}`;
  }

  /** Mark the table's row for what has just happened, and announce it. */
  mark(old, row) {
    if (this.rows[old]) this.rows[old].removeAttribute("aria-current");
    const current = this.rows[row];
    if (current) current.setAttribute("aria-current", "step");
    const cells = [...(current ? current.cells : [])].map((cell) => cell.textContent);
    const [, , from, to, what, became] = cells;
    const words = [to ? `${from} → ${to}` : from, what, became];
    this.now.textContent = words.filter(Boolean).join(" · ");
  }

  /** Keep the playhead in sight where the drawing is higher than its stage. */
  follow() {
    if (!this.scale) return;
    const y = this.at * this.scale;
    const seen = y - this.stage.scrollTop;
    if (this.playing || seen < 60 || seen > this.room - 30) {
      this.stage.scrollTop = Math.max(y - this.room * 0.6, 0);
    }
  }
}

if (typeof customElements !== "undefined" && !customElements.get("moving-parts-player")) {
  customElements.define("moving-parts-player", MovingPartsPlayer);
}

/** The anywidget: the same element, fed by the kernel. */
function render({ model, el }) {
  const player = document.createElement("moving-parts-player");
  player.data = JSON.parse(model.get("recording"));
  const text = player.data.title;
  player.setAttribute("label", text);
  player.append(make("p", { class: "mp-title", slot: "title", text }));
  el.append(player);
  return () => player.remove();
}

export default { render };
