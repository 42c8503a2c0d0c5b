/* Questions: answer, read why, answer again; a prediction covers its output.
 *
 * The page's own markup is the source: options, answer and explanations are in it, and
 * a question with unexpected markup is left unchanged.
 */
import { all, page, update, watch } from "./_store.js";
import { make, sign } from "./_make.js";
import { warnIfNotStored } from "./_storage-notice.js";
import { FORMS } from "./_answers.js";

const WORDS = {
  predict: { commit: "Lock in", skip: "Skip", skipped: "Skipped. You can still answer." },
  question: { commit: "Check", skip: "Show the answer", skipped: "Shown. You can still answer." },
};

const questions = [...document.querySelectorAll(".mp-question")].map(enhanced).filter(Boolean);
let reading = null;

restore(true);
watch(() => restore(false));

/** Show what is stored for every question. */
async function restore(first) {
  if (reading) return void (reading.again = true);
  reading = { again: false };
  try {
    do {
      reading.again = false;
      const records = new Map((await all()).map((record) => [record.key, record]));
      for (const question of questions) question.restore(records.get(question.key), first);
      first = false;
    } while (reading.again);
  } finally {
    reading = null;
  }
}

function enhanced(group) {
  try {
    const made = question(group);
    group.dataset.ready = made ? "true" : "as-it-is";
    return made;
  } catch (error) {
    group.dataset.ready = "as-it-is"; // and so its fold shows
    console.warn("A question stays as it is:", error);
    return null;
  }
}

function question(group) {
  const { kind, question: id, form: name } = group.dataset;
  const fold = group.querySelector(":scope > details.mp-answer");
  const summary = fold?.querySelector(":scope > summary");
  const stem = group.querySelector(":scope > .mp-stem");
  const answering = Object.hasOwn(FORMS, name ?? "") ? FORMS[name](group) : null;
  if (!Object.hasOwn(WORDS, kind ?? "") || !id || !summary || !stem || !answering) return null;

  const words = WORDS[kind];
  const key = `${kind}/${id}`;
  const status = make("p", { class: "mp-status" });
  const main = make("button", { type: "submit", class: "mp-button mp-commit" }, words.commit);
  const skip = make("button", { type: "button", class: "mp-button mp-skip" }, words.skip);
  const actions = make("div", { class: "mp-actions" });
  const form = make("form", { class: "mp-form", novalidate: true, autocomplete: "off" });
  const explanation = explain(fold);
  const outputs = kind === "predict" ? coverOutputs(group, skipped) : { show() {}, cover() {} };
  const title = summary.textContent;
  let state = "open"; // "open", "answered" or "skipped"
  let dirty = false; // the reader is answering: changes in another tab can wait
  let seen = null; // what shows of a record

  answering.build(form, announce);
  actions.append(...answering.inline, main, skip, status, fold);
  form.append(...answering.rows, actions);
  stem.after(form);
  fold.hidden = true;

  form.addEventListener("focusin", () => status.setAttribute("role", "status"), { once: true });
  form.addEventListener("input", () => { dirty = true; answering.clearError(); });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (state === "answered") again(); else commit();
  });
  skip.addEventListener("click", () => { skipped(); main.focus(); });

  function announce(...nodes) {
    dirty = true;
    status.replaceChildren(...nodes);
  }

  async function save(change) {
    await update(kind, id, (before) => ({ ...change(before), page }));
    await warnIfNotStored(form);
  }

  function commit() {
    const read = answering.read();
    if (read.complaint) return void announce(read.complaint);
    const { right } = answered(read.answer, true);
    seen = signature({ answer: read.answer, right });
    save((before) => ({ answer: read.answer, right, tries: (before.tries ?? 0) + 1 }));
  }

  function skipped() {
    showSkipped(true);
    seen = signature({ answer: "", right: null });
    save((before) => (before.tries ? {} : { answer: "", right: null, tries: 0 }));
  }

  function answered(answer, opened) {
    const verdict = answering.evaluate(answer);
    state = "answered";
    dirty = false;
    answering.write(answer);
    answering.enable(false);
    main.textContent = "Answer again";
    main.classList.remove("mp-commit");
    skip.hidden = true;
    status.replaceChildren(sign(verdict.right), make("strong", {}, verdict.right ? "Right." : verdict.wrong), ` ${verdict.feedback}`);
    explanation.arrange(verdict.first);
    summary.textContent = "Explanation";
    fold.hidden = false;
    fold.open = opened;
    outputs.show();
    return verdict;
  }

  function showSkipped(opened) {
    state = "skipped";
    dirty = false;
    answering.enable(true);
    main.textContent = words.commit;
    main.classList.add("mp-commit");
    skip.hidden = true;
    status.replaceChildren(words.skipped);
    explanation.arrange([]);
    summary.textContent = "The answer";
    fold.hidden = false;
    fold.open = opened && kind === "question";
    outputs.show();
  }

  function reopen() {
    state = "open";
    dirty = false;
    answering.write(null);
    answering.enable(true);
    main.textContent = words.commit;
    main.classList.add("mp-commit");
    skip.hidden = false;
    status.replaceChildren();
    explanation.arrange([]);
    fold.hidden = true;
    fold.open = false;
  }

  function again() {
    reopen();
    dirty = true;
    answering.focus();
  }

  /** Show what is stored, unless it shows already or the reader is answering. */
  function restored(record, first) {
    const usable = record && relevant(record) ? record : null;
    const now = usable && signature(usable);
    if (dirty || (first && state !== "open") || (now === seen && !first)) return;
    seen = now;
    if (!usable) {
      if (!first) reopen();
      summary.textContent = title;
      outputs.cover();
    } else if (usable.right === null || !usable.answer) {
      showSkipped(false);
    } else {
      answered(usable.answer, false);
    }
  }

  function relevant(record) {
    // A question that is asked again is fresh until it was answered on this page.
    if (group.dataset.again && record.page !== page) return false;
    return !record.answer || answering.accepts(record.answer);
  }

  return { key, restore: restored };
}

/** What of a record shows: when it does not change, nothing is to be done. */
function signature({ answer, right }) {
  return `${answer ?? ""}|${right ?? null}`;
}

/** The explanations of a question: some come first, the others go behind a fold. */
function explain(fold) {
  const list = fold.querySelector(":scope > .mp-reasons");
  if (!list || list.tagName === "OL") return { arrange() {} };
  const reasons = [...list.children];
  const others = make("ul", { class: "mp-reasons" });
  const rest = make("details", { class: "mp-fold mp-rest" }, make("summary"), others);
  return {
    arrange(letters) {
      const first = letters.map((letter) => reasons.find((each) => each.dataset.option === letter)).filter(Boolean);
      const last = reasons.filter((each) => !first.includes(each));
      if (!first.length || !last.length) {
        rest.remove();
        list.append(...(first.length ? first : reasons));
        return;
      }
      list.append(...first);
      others.append(...last);
      rest.firstChild.textContent = last.length > 1 ? "The other options" : "The other option";
      rest.open = false;
      fold.append(rest);
    },
  };
}

/** Cover what a prediction is about (questions.py has marked it), up to the next one. */
function coverOutputs(group, skip) {
  const after = (a, b) => a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING;
  const predicts = [...document.querySelectorAll('.mp-question[data-kind="predict"]')];
  const next = predicts[predicts.indexOf(group) + 1];
  const outputs = [...document.querySelectorAll(".mp-predicted")].filter(
    (output) => after(group, output) && !(next && after(next, output)),
  );
  const covers = outputs.map((output) => coverOutput(group, output, skip));
  return {
    cover: () => covers.forEach((each) => each.cover()),
    show: () => covers.forEach((each) => each.show()),
  };
}

function coverOutput(group, output, skip) {
  const button = make("button", { type: "button", class: "mp-button" }, "Show without predicting");
  const back = make("a", { href: `#${group.id}` }, "Predict first");
  // A sentence about an output has that output above it, and its buttons.
  const own = output.querySelector(":scope > .cell_output");
  const over = make("div", { class: "mp-cover" });
  if (own) {
    over.setAttribute("role", "group");
    over.setAttribute("aria-label", "Output, covered");
    over.append(back, button);
  }
  // A reader who runs the cell here and now (live.js) is to see what it prints.
  const ran = new MutationObserver(show);

  function show() {
    ran.disconnect();
    over.remove();
    output.classList.remove("mp-covered");
    output.classList.add("mp-shown");
  }

  button.addEventListener("click", () => {
    skip();
    output.tabIndex = -1;
    output.focus({ preventScroll: true });
  });
  return {
    show,
    cover() {
      output.classList.remove("mp-shown");
      output.classList.add("mp-covered");
      output.prepend(over);
      for (const each of output.querySelectorAll(":scope > .cell_output")) ran.observe(each, { childList: true });
    },
  };
}
