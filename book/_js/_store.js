/* What a reader has predicted, answered and solved, kept in this browser only.
 *
 * One IndexedDB database for each site (sites of one host may share an origin), one
 * object store `done`, one record for each question or exercise, under its `key`
 * "kind/id":
 *
 *   kind      "predict" | "question" | "exercise"
 *   id        as on the page: "01-methods", "1.2"
 *   page      address below the site's root: "chapters/01-one-ride-two-services/"
 *   at        milliseconds since 1970 of the last change
 *   answer    question, predict: what was answered, as in data-answer ("b", "a c", "7")
 *   right     question, predict: whether that was right; null where it was skipped
 *   tries     question, predict: how often it was answered
 *   hints, checks, passed   exercise: as in a lab's own progress file
 *
 * movingparts.check writes the exercises of a lab that runs in the browser to the same
 * place (src/movingparts/check/browser.py). Where the browser refuses storage, all of
 * this works for as long as the page is open, and `kept` says so.
 */

const VERSION = 1;
const FORMAT = "movingparts.progress/2";
const FORMAT_OF_LABS = "movingparts.progress/1";
const KINDS = new Set(["predict", "question", "exercise"]);

/** The site's root, as a URL that ends with a slash. */
export const root = new URL(
  document.documentElement.dataset.content_root ?? "./",
  location.href,
);

/** The page's address below the site's root. */
export const page = location.pathname.slice(root.pathname.length).replace(/index\.html$/, "");

const NAME = `moving-parts:${root.pathname}`;
const memory = new Map();
const listeners = new Set();
let opened = null;
let refused = null;
const channel = makeChannel();

function makeChannel() {
  try {
    const made = new BroadcastChannel(NAME);
    made.onmessage = () => listeners.forEach((tell) => tell());
    return made;
  } catch {
    return null; // no other tab hears of it
  }
}

function open() {
  opened ??= new Promise((resolve) => {
    const give_up = (error) => {
      refused = error?.message || String(error?.name ?? "refused");
      resolve(null);
    };
    try {
      const asked = indexedDB.open(NAME, VERSION);
      asked.onupgradeneeded = () => asked.result.createObjectStore("done", { keyPath: "key" });
      asked.onsuccess = () => {
        const db = asked.result;
        db.onversionchange = () => { db.close(); opened = null; };
        db.onclose = () => { opened = null; };
        resolve(db);
      };
      asked.onerror = () => give_up(asked.error);
      asked.onblocked = () => give_up(new Error("another tab holds an older version"));
    } catch (error) {
      give_up(error);
    }
  });
  return opened;
}

/** Run one transaction; `work` gets the object store and returns a request or nothing. */
async function transact(mode, work) {
  const db = await open();
  if (!db) return undefined;
  return new Promise((resolve, reject) => {
    const transaction = db.transaction("done", mode);
    const request = work(transaction.objectStore("done"));
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}

/** Whether progress outlives the page: true, or false and why. */
export async function kept() {
  return { kept: Boolean(await open()), why: refused };
}

/** One record, or undefined. */
export async function get(kind, id) {
  const key = `${kind}/${id}`;
  const found = await transact("readonly", (done) => done.get(key));
  return found ?? memory.get(key);
}

/** All records, sorted by key. */
export async function all() {
  const found = (await transact("readonly", (done) => done.getAll())) ?? [...memory.values()];
  return found.sort((a, b) => a.key.localeCompare(b.key, "en", { numeric: true }));
}

/** Change one record in one transaction: `change(before)` returns what is new in it. */
export async function update(kind, id, change) {
  const key = `${kind}/${id}`;
  const merged = (before) => ({ ...before, ...change(before ?? {}), key, kind, id, at: Date.now() });
  const db = await open();
  if (db) {
    await transact("readwrite", (done) => {
      const asked = done.get(key);
      asked.onsuccess = () => done.put(merged(asked.result));
      return asked;
    });
  } else {
    memory.set(key, merged(memory.get(key)));
  }
  announce();
}

/** Forget everything, here and in other tabs. */
export async function erase() {
  memory.clear();
  await transact("readwrite", (done) => done.clear());
  announce();
}

/** All records as a file's text. */
export async function exported() {
  const records = await all();
  return `${JSON.stringify({ format: FORMAT, records }, null, 1)}\n`;
}

/** Take over a file: one of ours, or a local lab's progress.json; returns how many.
 *
 * What is there is kept where it says more. Throws an Error with a sentence for the
 * reader, and changes nothing, where the file is not such a file.
 */
export async function imported(text) {
  const rows = read(text);
  for (const row of rows) {
    await update(row.kind, row.id, (before) => joined(before, row));
  }
  return rows.length;
}

/** Call `tell` when anything changes, in this tab or another; returns how to stop. */
export function watch(tell) {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

function announce() {
  listeners.forEach((tell) => tell());
  channel?.postMessage("changed");
}

function read(text) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Error("This file is not JSON: choose the progress.json of a lab, or a file exported here.");
  }
  if (body?.format === FORMAT_OF_LABS) return Object.entries(body.exercises ?? {}).map(fromLab);
  if (body?.format === FORMAT && Array.isArray(body.records)) return body.records.map(checked);
  throw new Error(`This file is no progress file: its format is neither ${FORMAT_OF_LABS} nor ${FORMAT}.`);
}

function fromLab([id, row]) {
  return checked({ kind: "exercise", id, ...row });
}

function checked(row) {
  const count = (value) => value === undefined || (Number.isInteger(value) && value >= 0);
  const flag = (value) => value === undefined || value === null || typeof value === "boolean";
  const word = (value) => value === undefined || (typeof value === "string" && value.length <= 200);
  const fits =
    row !== null && typeof row === "object" && KINDS.has(row.kind) &&
    typeof row.id === "string" && /^[\w.-]{1,80}$/.test(row.id) &&
    [row.hints, row.checks, row.tries, row.at].every(count) &&
    [row.passed, row.right].every(flag) && [row.answer, row.page].every(word);
  if (!fits) throw new Error("This progress file is damaged: a record in it is not whole. Nothing was changed.");
  const names = ["kind", "id", "page", "answer", "right", "tries", "hints", "checks", "passed"];
  return Object.fromEntries(names.filter((n) => row[n] !== undefined).map((n) => [n, row[n]]));
}

function joined(before, row) {
  if (row.kind !== "exercise") return before.tries ? {} : row;
  return {
    ...row,
    hints: Math.max(before.hints ?? 0, row.hints ?? 0),
    checks: Math.max(before.checks ?? 0, row.checks ?? 0),
    passed: Boolean(before.passed || row.passed),
  };
}
