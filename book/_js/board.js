/* Event-storming boards: a reader sorts events into contexts; each move is evaluated.
 *
 * <moving-parts-board> contains the wall of notes, an empty slot in each event's note, the
 * workspace as it is at the start, and the data. This script puts a list of contexts into
 * each slot (for keyboards, screen readers and thumbs) and makes the workspace work: chips
 * and notes can be dragged, or picked up with one click and put down with another. The
 * assignment is saved for as long as the tab is open, so a reader who leaves the page finds
 * it again. Text from the data or from storage is only ever inserted as text.
 */
import { clashed, crossed, holds, evaluate } from "./_evaluate.js";
import { make } from "./_make.js";

const FORMAT = "movingparts.board/1";
const SETTLED = 700; // milliseconds without a move before the result is read out
const MOST = 40; // contexts
const LONGEST = 30; // characters of a context's name
const FLIGHT = { duration: 350, easing: "cubic-bezier(.3,.7,.2,1)" };
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const EVENTS = ["click", "dragstart", "dragover", "drop", "dragend"];

let boards = 0;

function button(text, press, attributes) {
  const made = make("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", press);
  return made;
}

const processes = (count) => `${count} process${count === 1 ? "" : "es"}`;

class MovingPartsBoard extends HTMLElement {
  connectedCallback() {
    document.addEventListener("keydown", this);
    if (this.data) return;
    const script = this.querySelector(':scope > script[type="application/json"]');
    const data = script && JSON.parse(script.textContent);
    if (data?.format !== FORMAT) return;
    this.data = data;
    this.find();
    this.build();
    this.begin();
    this.restore();
    addEventListener("pagehide", this);
    this.workspace.hidden = false;
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this);
    removeEventListener("pagehide", this);
    clearTimeout(this.settling);
  }

  /** Find the parts of the wall: each event's note, each rule's letters, the words. */
  find() {
    boards += 1;
    const { events, rules } = this.data;
    const listed = [...this.querySelectorAll(".mp-rules .mp-rule")];
    this.signs = rules.map((_, i) => [listed[i]]);
    this.words = [];
    this.notes = new Map();
    this.chips = new Map();
    this.querySelectorAll(".mp-wall > .mp-event").forEach((note, i) => {
      const { name, words } = events[i];
      const signs = note.querySelectorAll(".mp-rule");
      rules.filter((rule) => rule.events.includes(name))
        .forEach((rule, at) => this.signs[rules.indexOf(rule)].push(signs[at]));
      note.querySelectorAll(".mp-word").forEach((element, at) => {
        this.words.push({ element, name, word: words[at][0] });
      });
      this.notes.set(name, this.note(note, name, i));
      const chip = { class: "mp-chip", "data-card": i, draggable: "true" };
      this.chips.set(name, make("li", chip, name));
    });
    this.signs.forEach((all, i) => all.forEach((sign) => { sign.title = rules[i].says; }));
  }

  /** Put a list of contexts into a note; return the parts that change. */
  note(note, name, i) {
    const id = `mp-board-${boards}-${i}`;
    const choice = make("select", {
      "aria-label": `Context of ${name}`, "aria-describedby": id, autocomplete: "off",
    });
    const state = make("span", { class: "mp-announcement", id });
    choice.addEventListener("change", () => this.move(name, choice.value));
    note.querySelector(".mp-sort").replaceChildren(choice, state);
    note.dataset.card = i;
    note.draggable = true;
    return { note, choice, state };
  }

  build() {
    this.workspace = this.querySelector(".mp-workspace");
    this.score = make("div", { class: "mp-score" });
    this.why = button("Findings", () => this.findings.focus());
    this.bins = make("ul", { class: "mp-bins", "aria-label": "Contexts" });
    this.findings = make("ul", {
      class: "mp-findings", tabindex: "-1", "aria-label": "Findings",
    });
    this.announcement = this.querySelector(":scope > .mp-announcement")
      ?? make("p", { class: "mp-announcement", role: "status" });
    this.workspace.replaceChildren(
      this.score, this.presets(), this.bins, this.findings, this.own());
    this.append(this.announcement);
    for (const event of EVENTS) this.addEventListener(event, this);
  }

  presets() {
    return make("div", { class: "mp-presets" },
      button("Start over", () => this.begin("The board is as it was at first.")),
      button("Put all into one", () => this.each(() => "everything", "All are in one.")),
      button("Put each alone", () => this.each((name) => name, "Each is alone.")));
  }

  own() {
    const name = make("input", { maxlength: LONGEST, autocomplete: "off" });
    const add = () => {
      this.problem.textContent = this.add(name.value.trim().replace(/\s+/g, " "));
      if (!this.problem.textContent) name.value = "";
      name.focus();
    };
    name.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) add();
    });
    this.named = name;
    this.problem = make("p", { role: "status" });
    return make("div", { class: "mp-own" },
      make("label", {}, "A context of your own ", name), button("Add", add), this.problem);
  }

  /** Start with the contexts that are offered and the assignment from the data. */
  begin(message) {
    const { contexts, events, start } = this.data;
    this.contexts = new Map(contexts.map((name) => [name, "given"]));
    this.assignment = new Map(events.map(({ name }, i) => [name, start[i]]));
    this.show(message);
  }

  /** Restore the assignment that was saved when the reader left the page, once. */
  restore() {
    let saved;
    try {
      saved = JSON.parse(sessionStorage.getItem(this.place));
      sessionStorage.removeItem(this.place);
    } catch { /* no storage, or not ours */ }
    const pairs = (list) => (Array.isArray(list) ? list.filter(Array.isArray) : []);
    for (const [name, kind] of pairs(saved?.contexts).slice(0, MOST)) {
      if (["own", "made"].includes(kind) && !this.contexts.has(`${name}`)) {
        this.contexts.set(`${name}`, kind);
      }
    }
    for (const [name, context] of pairs(saved?.assignment)) {
      const known = context === "" || this.contexts.has(context);
      if (known && this.assignment.has(name)) this.assignment.set(name, context);
    }
    this.show();
  }

  save() {
    const saved = { contexts: [...this.contexts], assignment: [...this.assignment] };
    try {
      sessionStorage.setItem(this.place, JSON.stringify(saved));
    } catch { /* no storage: the assignment is lost with the page */ }
  }

  get place() {
    return `mp-board ${location.pathname} ${this.querySelector(".mp-title")?.textContent}`;
  }

  /** Assign every event; a context made for this is removed when it is empty. */
  each(contextOf, message) {
    for (const { name } of this.data.events) {
      const context = contextOf(name);
      if (!this.contexts.has(context)) this.contexts.set(context, "made");
      this.assignment.set(name, context);
    }
    this.show(message);
  }

  move(name, context) {
    this.assignment.set(name, context);
    this.show(context ? `${name} is in ${context}.` : `${name} is not sorted.`);
  }

  /** Add a context; return what is wrong with its name, or nothing. */
  add(name) {
    const known = [...this.contexts.keys()].map((each) => each.toLowerCase());
    if (!name) return "Give the context a name.";
    if (known.includes(name.toLowerCase())) return `There is a context ${name} already.`;
    if (known.length >= MOST) return `${MOST} contexts are enough.`;
    this.contexts.set(name, "own");
    this.show(`${name} is the last of the contexts.`);
    return "";
  }

  /** Show the assignment and what it costs. */
  show(message) {
    this.pick(null);
    this.light([]);
    const used = new Set(this.assignment.values());
    for (const [name, kind] of this.contexts) {
      if (kind === "made" && !used.has(name)) this.contexts.delete(name);
    }
    const found = evaluate(this.data, this.assignment);
    this.offer();
    this.flying(() => this.fill());
    this.mark(found);
    this.count(found);
    const before = this.lines;
    this.lines = this.listFindings(found);
    if (!message) return;
    const fresh = this.lines.filter((line) => !before.includes(line));
    const counts = this.counts(found).map((each) => each.join(" ")).join(", ");
    const lines = [message, this.verdict(found), counts, ...fresh];
    this.announce(lines.map((line) => line.replace(/\.?$/, ".")).join(" "), SETTLED);
  }

  /** Offer the current contexts in each note's list. */
  offer() {
    const names = [...this.contexts.keys()];
    const changed = names.join("\n") !== this.offered;
    this.offered = names.join("\n");
    for (const [name, { note, choice }] of this.notes) {
      if (changed) {
        choice.replaceChildren(
          new Option("not sorted", ""), ...names.map((each) => new Option(each, each)));
      }
      choice.value = this.assignment.get(name);
      note.toggleAttribute("data-sorted", choice.value !== "");
    }
  }

  /** Put each chip into its context. */
  fill() {
    const contexts = [["", "given"], ...this.contexts];
    this.bins.replaceChildren(...contexts.map(([context, kind]) => {
      const inside = [...this.chips].filter(([name]) => this.assignment.get(name) === context);
      const bin = make("li", { class: "mp-bin", "data-bin": context, "data-kind": kind },
        make("b", {}, context || "not sorted"),
        make("ul", {}, ...inside.map(([, chip]) => chip)));
      if (kind === "own" && !inside.length) bin.firstChild.after(this.remover(context));
      return bin;
    }));
  }

  remover(context) {
    return button("✕", () => {
      this.contexts.delete(context);
      this.show(`${context} is gone.`);
      this.named.focus();
    }, { "aria-label": `Remove ${context}` });
  }

  /** Do something that moves chips, and animate the move. */
  flying(work) {
    const places = [...this.chips.values()].map((chip) => [chip, chip.getBoundingClientRect()]);
    work();
    if (STILL.matches || this.workspace.hidden) return;
    for (const [chip, before] of places) {
      const after = chip.getBoundingClientRect();
      const [x, y] = [before.x - after.x, before.y - after.y];
      const way = [{ transform: `translate(${x}px,${y}px)` }, { transform: "none" }];
      if (x || y) chip.animate(way, FLIGHT);
    }
  }

  /** Mark the rules, words and cards that have a finding. */
  mark({ torn, processes: slow, clashes }) {
    const states = new Map([...this.notes.keys()].map((name) => [name, []]));
    this.data.rules.forEach((rule, i) => {
      const is = ({ rule: other }) => other === rule;
      const places = rule.events.map((name) => this.assignment.get(name));
      const kept = places.every((place) => place && place === places[0]);
      const state = torn.some(is) ? "torn" : slow.some(is) ? "process" : kept ? "kept" : "";
      const [letter] = this.signs[i];
      for (const sign of this.signs[i]) sign.dataset.state = state;
      if (!state || state === "kept") return;
      for (const name of rule.events) {
        if (this.assignment.get(name)) states.get(name).push([state, `rule ${letter.textContent}`]);
      }
    });
    for (const { element, name, word } of this.words) {
      const context = this.assignment.get(name);
      const clash = clashes.some((each) => each.word === word && each.context === context);
      element.toggleAttribute("data-clash", clash);
      if (clash) states.get(name).push(["clash", word]);
    }
    for (const [name, found] of states) {
      const { note, state } = this.notes.get(name);
      const is = (worst) => found.some(([each]) => each === worst);
      const worst = ["torn", "clash", "process"].find(is) ?? "";
      for (const card of [note, this.chips.get(name)]) card.dataset.state = worst;
      state.textContent = found.map((each) => each.join(": ")).join("; ");
    }
  }

  counts({ unsorted, torn, clashes, processes: slow }) {
    return [[unsorted.length, "to sort"], [torn.length, "rules torn"],
      [clashes.length, "word clashes"], [slow.length, "processes"]];
  }

  verdict(found) {
    const count = found.processes.length;
    if (![...this.assignment.values()].some(Boolean)) return "Nothing is sorted yet.";
    if (found.torn.length || found.clashes.length) return "It does not hold.";
    if (!holds(found)) return "It holds so far.";
    return count ? `It holds, for ${processes(count)}.` : "It holds, without a process.";
  }

  count(found) {
    const verdict = make("span", {}, this.verdict(found));
    const counts = this.counts(found).map(([count, what]) =>
      make("p", {}, make("b", {}, `${count}`), ` ${what}`));
    this.score.replaceChildren(
      ...counts, make("p", { class: "mp-verdict" }, verdict, " ", this.why));
    const broken = found.torn.length || found.clashes.length;
    this.score.dataset.state = broken ? "broken" : holds(found) ? "holds" : "";
    this.why.hidden = !(found.torn.length || found.clashes.length || found.processes.length);
  }

  /** List the findings; return them as lines of text. */
  listFindings({ torn, clashes, processes: slow }) {
    const crossing = (each) => {
      const [letter] = this.signs[this.data.rules.indexOf(each.rule)];
      return this.finding(letter.cloneNode(true), crossed(each), each.rule.events);
    };
    const clash = (each) => {
      const names = [...each.meanings.values()].flat();
      const sign = make("b", { class: "mp-rule", "data-state": "clash" }, "≠");
      return this.finding(sign, clashed(each), names);
    };
    const found = [...torn.map(crossing), ...clashes.map(clash), ...slow.map(crossing)];
    this.findings.replaceChildren(...found);
    return found.map((each) => each.children[1].textContent);
  }

  /** Make one finding: its sign, its sentence, and links to its cards. */
  finding(sign, sentence, names) {
    const cards = names.map((name) => button(name, () => this.notes.get(name).choice.focus()));
    const found = make("li", {}, sign, make("p", {}, sentence), make("p", {}, ...cards));
    found.addEventListener("pointerenter", () => this.light(names));
    found.addEventListener("pointerleave", () => this.light([]));
    return found;
  }

  /** Highlight the cards that a finding is about. */
  light(names) {
    this.toggle("mp-lit", (name) => names.includes(name));
  }

  /** Give a class to the cards that match, in the wall and in the workspace. */
  toggle(class_, matches) {
    for (const [name, { note }] of this.notes) {
      for (const card of [note, this.chips.get(name)]) {
        card.classList.toggle(class_, matches(name));
      }
    }
  }

  /** Pick up a card, or none. */
  pick(name) {
    this.picked = name;
    this.toggleAttribute("data-picked", name !== null);
    this.toggle("mp-picked", (each) => each === name);
    this.over(null);
  }

  over(bin) {
    for (const each of this.bins.children) each.classList.toggle("mp-over", each === bin);
  }

  announce(text, after = 0) {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => { this.announcement.textContent = text; }, after);
  }

  handleEvent(event) {
    const { type, target, key } = event;
    if (type === "pagehide") return this.save();
    if (type === "keydown") {
      if (key === "Escape" && this.picked !== null) this.pick(null);
      return;
    }
    const card = target.closest?.("[data-card]");
    const bin = target.closest?.("[data-bin]");
    const name = card && this.data.events[card.dataset.card].name;
    const goes = bin && this.picked !== null && bin.dataset.bin !== this.assignment.get(this.picked);
    if (type === "click") {
      if (target.closest("button, select, input, label, summary")) return;
      if (goes) this.move(this.picked, bin.dataset.bin);
      else if (name) this.take(name === this.picked ? null : name);
    } else if (type === "dragstart" && name) {
      event.dataTransfer.setData("text/plain", name);
      event.dataTransfer.effectAllowed = "move";
      this.pick(name);
    } else if (type === "dragover") {
      if (goes) event.preventDefault();
      this.over(goes ? bin : null);
    } else if (type === "drop" && goes) {
      event.preventDefault();
      this.move(this.picked, bin.dataset.bin);
    } else if (type === "dragend") this.pick(null);
  }

  take(name) {
    this.pick(name);
    if (name) this.announce(`${name} is picked up. Choose a context.`);
  }
}

if (!customElements.get("moving-parts-board")) {
  customElements.define("moving-parts-board", MovingPartsBoard);
}
