/* Exercise cards at work: hints one at a time, the solution after an attempt. */
import { all, page, update, watch } from "./_store.js";
import { make, sign } from "./_make.js";
import { warnIfNotStored } from "./_storage-notice.js";

const cards = [...document.querySelectorAll(".mp-exercise")].map(enhanced).filter(Boolean);

restore();
watch(restore);

async function restore() {
  const records = new Map((await all()).map((record) => [record.key, record]));
  for (const card of cards) card.restore(records.get(card.key) ?? {});
}

function enhanced(element) {
  try {
    const made = card(element);
    element.dataset.ready = made ? "true" : "as-it-is";
    return made;
  } catch (error) {
    element.dataset.ready = "as-it-is"; // and so its folds show
    console.warn("An exercise stays as it is:", error);
    return null;
  }
}

function card(element) {
  const id = element.dataset.exercise;
  const hints = [...element.querySelectorAll(":scope > details.mp-hint")];
  const solution = element.querySelector(":scope > details.mp-solution");
  if (!id || !hints.length || !solution) return null;

  const state = make("p", { class: "mp-exercise-state" });
  const tried = make("button", { type: "button", class: "mp-button" }, "I have tried it");
  const anyway = make("button", { type: "button", class: "mp-button" }, "Show the solution anyway");
  const offer = make(
    "div",
    { class: "mp-offer" },
    make("p", {}, "The solution is offered after an attempt: a check in the lab, or one of your own."),
    make("div", { class: "mp-actions" }, tried, anyway),
  );
  const opened = hints.map(() => false);
  let record = {};
  let seen = 0; // hints that were opened here, stored or not
  let revealed = false;

  element.querySelector(":scope > .mp-statement")?.before(state);
  solution.before(offer);
  element.addEventListener("focusin", () => state.setAttribute("role", "status"), { once: true });

  hints.forEach((hint, index) => {
    hint.addEventListener("toggle", () => {
      if (!hint.open || opened[index]) return;
      opened[index] = true;
      seen = Math.max(seen, index + 1);
      show();
      if ((record.hints ?? 0) <= index) save((before) => ({ hints: Math.max(before.hints ?? 0, index + 1) }));
    });
  });
  solution.addEventListener("toggle", () => {
    // Code that is wider than the page is scrolled by keyboard as well.
    for (const code of solution.querySelectorAll("pre")) {
      if (solution.open && code.scrollWidth > code.clientWidth) code.tabIndex = 0;
    }
  });
  tried.addEventListener("click", () => {
    revealed = true;
    show();
    solution.querySelector(":scope > summary").focus();
    save(() => ({ tried: true }));
  });
  anyway.addEventListener("click", () => {
    revealed = true;
    show();
    solution.open = true;
    solution.querySelector(":scope > summary").focus();
  });

  async function save(change) {
    await update("exercise", id, (before) => ({ page, ...change(before) }));
    await warnIfNotStored(element);
  }

  function show() {
    const hinted = Math.max(seen, record.hints ?? 0);
    hints.forEach((hint, index) => { hint.hidden = index > hinted; });
    const attempted = revealed || Boolean(record.passed || record.tried || record.checks);
    solution.hidden = !attempted;
    offer.hidden = attempted;
    const described = stateOf(record);
    if (state.textContent !== described.text) state.replaceChildren(...described.nodes);
    state.hidden = !described.text;
  }

  return {
    key: `exercise/${id}`,
    restore(found) {
      // Erased, here or in another tab: as if it had never been opened.
      if (found.at === undefined && record.at !== undefined) {
        seen = 0;
        revealed = false;
        opened.fill(false);
        for (const fold of [...hints, solution]) fold.open = false;
      }
      record = found;
      show();
    },
  };
}

/** Where a reader is with an exercise, in words; nothing where it was not begun. */
function stateOf({ passed, checks, tried }) {
  const times = checks === 1 ? "once" : `${checks} times`;
  const checked = checks ? `checked ${times}` : "";
  let nodes = [];
  if (passed) nodes = [sign(true), make("strong", {}, "Solved"), checked && `, ${checked}`];
  else if (checked) nodes = [`Not solved yet, ${checked}`];
  else if (tried) nodes = ["Tried, not checked in a lab"];
  nodes = nodes.filter(Boolean);
  return { nodes, text: nodes.map((node) => node.textContent ?? node).join("") };
}
