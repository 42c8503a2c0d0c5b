/* The page "Your progress": what was predicted, answered and solved, out of all there is.
 *
 * Records come from the browser's storage and from files, so whatever they say is
 * inserted as text; addresses come from the book's own index.
 */
import { all, erase, exported, imported, refuseBySize, root, storageState, watch } from "./_store.js";
import { make, sign } from "./_make.js";

const KINDS = [
  ["predict", "Predicted", (record) => Boolean(record.tries)],
  ["question", "Answered", (record) => Boolean(record.tries)],
  ["exercise", "Solved", (record) => Boolean(record.passed)],
];
const DAY = 24 * 60 * 60 * 1000;
const LONG_AGO = 21 * DAY;
const day = new Intl.DateTimeFormat("en", { dateStyle: "medium" });

const place = document.querySelector("[data-progress]");
const list = make("div", { class: "mp-done" });
const status = make("p", { class: "mp-status", role: "status" });
let book = { pages: [] };
let shown = null;
let drawing = null;

if (place) start();

async function start() {
  const rest = management();
  place.querySelector(".mp-without-scripts")?.remove();
  try {
    book = await index();
  } catch {
    list.replaceChildren(make("p", { role: "alert" }, "The list of questions could not be loaded. What is kept is not lost; load the page again."));
    place.append(list, rest);
    return;
  }
  await draw();
  place.append(list, rest); // together, so that nothing on the page is pushed down
  place.dataset.ready = "true";
  watch(draw);
}

async function index() {
  const answer = await fetch(new URL(`_static/${place.dataset.progress}`, root));
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

/** Redraw the lists, if anything in them has changed. */
async function draw() {
  if (drawing) return void (drawing.again = true);
  drawing = { again: false };
  try {
    do {
      drawing.again = false;
      const records = await all();
      const storage = await storageState();
      const now = JSON.stringify([records, storage.persistent]);
      if (now !== shown) {
        shown = now;
        redraw(new Map(records.map((record) => [record.key, record])), storage.persistent);
      }
    } while (drawing.again);
  } finally {
    drawing = null;
  }
}

function redraw(records, persistent) {
  const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  list.replaceChildren(
    ...(persistent ? [] : [make("p", { class: "mp-not-stored" }, "The browser refuses storage: progress is not kept in this window.")]),
    totals(records),
    ...worthAnotherLook(records),
    ...book.pages.map((page) => chapter(page, records)),
    ...strays(records),
  );
  if (focused) [...list.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
}

function totals(records) {
  const items = book.pages.flatMap((page) => page.items);
  const counts = KINDS.map(([kind, title, isDone]) => {
    const { done, of } = count(items, kind, isDone, records);
    return make("div", {}, make("dt", {}, title), make("dd", {}, make("strong", {}, String(done)), ` of ${of}`));
  });
  return make("dl", { class: "mp-totals" }, ...counts);
}

function count(items, kind, isDone, records) {
  const all = items.filter((item) => item.kind === kind);
  const done = all.filter((item) => isDone(records.get(keyOf(item)) ?? {}));
  return { done: done.length, of: all.length };
}

const keyOf = (item) => `${item.kind}/${item.id}`;

/** Questions that were answered wrong, or long ago. */
function worthAnotherLook(records) {
  const rows = [];
  for (const item of book.pages.flatMap((page) => page.items)) {
    const record = records.get(keyOf(item));
    if (item.kind !== "question" || !record?.tries) continue;
    if (record.right === false) rows.push(row(item, "not right the last time"));
    else if (Date.now() - record.at > LONG_AGO) rows.push(row(item, `last answered on ${day.format(record.at)}`));
  }
  if (!rows.length) return [];
  return [section("Worth another look", make("ul", { class: "mp-done-list" }, ...rows))];
}

function chapter(page, records) {
  const heading = link(page.address, page.title);
  const groups = KINDS.flatMap(([kind, title, isDone]) => {
    const items = page.items.filter((item) => item.kind === kind);
    if (!items.length) return [];
    const { done, of } = count(items, kind, isDone, records);
    const rows = items.map((item) => row(item, ...stateOf(records.get(keyOf(item)))));
    return [make("h3", {}, `${title}: ${done} of ${of}`), make("ul", { class: "mp-done-list" }, ...rows)];
  });
  return section(heading, ...groups);
}

function section(heading, ...content) {
  return make("section", {}, make("h2", {}, heading), ...content);
}

function row(item, ...state) {
  const shown = make("span", { class: "mp-done-state" }, ...state);
  return make("li", {}, link(item.address, item.title), " ", shown);
}

function link(address, title) {
  return make("a", { href: new URL(address, root).href }, title);
}

/** What a record says, as words and a sign. */
function stateOf(record) {
  if (!record) return ["not yet"];
  const on = ` on ${day.format(record.at ?? Date.now())}`;
  if (record.kind === "exercise") {
    const hints = record.hints ? `, ${many(record.hints, "hint")}` : "";
    if (record.passed) return [sign(true), `solved${hints}`];
    if (record.checks) return [`checked ${many(record.checks, "time")}, not solved yet${hints}`];
    return [`${record.tried ? "tried" : "begun"}${hints}`];
  }
  if (!record.tries) return ["skipped"];
  const tries = record.tries > 1 ? `, try ${record.tries}` : "";
  return [sign(record.right === true), `${record.right ? "right" : "not right"}${tries}${on}`];
}

function many(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Records of questions and exercises that this edition of the book does not have. */
function strays(records) {
  const known = new Set(book.pages.flatMap((page) => page.items.map(keyOf)));
  const ids = [...records.values()].filter((record) => !known.has(record.key)).map((record) => record.id);
  if (!ids.length) return [];
  const named = ids.slice(0, 20).join(", ") + (ids.length > 20 ? ", …" : "");
  return [section("Not in this edition", make("p", {}, `Kept as well, of questions or exercises that this edition does not have: ${named}.`))];
}

/** Export, import and erase. */
function management() {
  const save = make("button", { type: "button", class: "mp-button" }, "Export as a file");
  const file = make("input", { type: "file", id: "mp-import", accept: ".json,application/json" });
  const drop = make("button", { type: "button", class: "mp-button" }, "Erase all progress");
  const dialog = confirmation();
  save.addEventListener("click", download);
  file.addEventListener("change", () => importFile(file));
  drop.addEventListener("click", () => dialog.showModal());
  return make(
    "section",
    { class: "mp-manage" },
    make("h2", {}, "Keep it, move it, erase it"),
    make("div", { class: "mp-actions" }, save, drop),
    make("p", { class: "mp-import" }, make("label", { for: "mp-import" }, "Take over a file that was exported here, or a lab's progress.json:"), file),
    status,
    dialog,
  );
}

async function download() {
  const address = URL.createObjectURL(new Blob([await exported()], { type: "application/json" }));
  make("a", { href: address, download: "moving-parts-progress.json" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  announce("Exported to moving-parts-progress.json.");
}

async function importFile(input) {
  const [file] = input.files;
  if (!file) return;
  try {
    refuseBySize(file.size);
    const records = await imported(await file.text());
    announce(`${many(records, "record")} of ${file.name} taken over; what was here and says more is kept.`);
  } catch (error) {
    announce(error.message);
  }
  input.value = ""; // so that the same file can be chosen again
}

function confirmation() {
  const cancel = make("button", { class: "mp-button", value: "keep", autofocus: true }, "Keep it");
  const drop = make("button", { class: "mp-button mp-danger", value: "erase" }, "Erase");
  const dialog = make(
    "dialog",
    { class: "mp-dialog", "aria-labelledby": "mp-erase-title" },
    make("p", { id: "mp-erase-title", class: "mp-dialog-title" }, "Erase all progress in this browser?"),
    make("p", {}, "Predictions, answers and solved exercises are forgotten, in all tabs. What you wrote in labs stays."),
    make("form", { method: "dialog", class: "mp-actions" }, cancel, drop),
  );
  dialog.addEventListener("close", async () => {
    if (dialog.returnValue !== "erase") return;
    dialog.returnValue = "";
    await erase();
    announce("All progress is erased.");
  });
  return dialog;
}

function announce(sentence) {
  status.replaceChildren(sentence);
}
