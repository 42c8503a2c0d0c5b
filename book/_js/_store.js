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
 *   tried     exercise: whether the reader has marked it so
 *   hints, checks, passed   exercise: as in a lab's own progress file
 *
 * movingparts.check writes the exercises of a lab that runs in the browser to the same
 * place (src/movingparts/check/browser.py). Where the browser refuses storage, all of
 * this works for as long as the page is open, and `storageState` returns false and why.
 *
 * A record may have been written by anything on this origin, so one that is not whole
 * is not handed out. idb-keyval was tried: it cannot write to a store whose records hold
 * their keys, blocks another tab that erases, and updates one record at a time.
 */

const VERSION = 1;
const FORMAT = "movingparts.progress/2";
const FORMAT_OF_LABS = "movingparts.progress/1";
const KINDS = new Set(["predict", "question", "exercise"]);
const MOST_BYTES = 1_000_000;
const MOST_RECORDS = 5_000;
const MOST = 1_000_000; // of hints, checks, tries
const LAST_DATE = 8.64e15; // what a Date can hold

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
    made.onmessage = notifyAll;
    return made;
  } catch {
    return null; // other tabs are not notified
  }
}

// A page that was frozen, or hidden while a lab wrote, may have missed a message.
addEventListener("pageshow", (event) => { if (event.persisted) notifyAll(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) notifyAll(); });

function notifyAll() {
  listeners.forEach((listener) => listener());
}

function open() {
  opened ??= new Promise((resolve) => {
    const giveUp = (error) => {
      refused = error?.message || String(error?.name ?? "refused");
      resolve(null);
    };
    try {
      const request = indexedDB.open(NAME, VERSION);
      request.onupgradeneeded = () => request.result.createObjectStore("done", { keyPath: "key" });
      request.onsuccess = () => {
        const db = request.result;
        const again = () => { opened = null; };
        db.onversionchange = () => { db.close(); again(); };
        db.onclose = again;
        resolve(db);
      };
      request.onerror = (event) => { event.preventDefault(); giveUp(request.error); };
      request.onblocked = () => giveUp(new Error("another tab holds an older version"));
    } catch (error) {
      giveUp(error);
    }
  });
  return opened;
}

/** Run one transaction: `work` gets the object store and returns a request or nothing.
 *
 * Where there is no storage, or no longer, it returns undefined, and says why in `refused`.
 */
async function transact(mode, work) {
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    const db = await open();
    if (!db) return undefined;
    try {
      return { result: await inside(db, mode, work) };
    } catch (error) {
      // The browser may close a database under us (cleared data); once more, then without.
      db.close();
      opened = null;
      if (attempt === 2) {
        refused = error?.message || "refused";
        opened = Promise.resolve(null);
      }
    }
  }
  return undefined;
}

function inside(db, mode, work) {
  return new Promise((resolve, reject) => {
    const transaction = db.transaction("done", mode);
    const fail = () => reject(transaction.error ?? new Error("refused"));
    const request = work(transaction.objectStore("done"));
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onerror = (event) => event.preventDefault();
    transaction.onabort = fail;
  });
}

/** Whether progress outlives the page: true, or false and why. */
export async function storageState() {
  return { persistent: Boolean(await open()), why: refused };
}

/** One record, or undefined. */
export async function get(kind, id) {
  return (await all()).find((record) => record.kind === kind && record.id === id);
}

/** All records, sorted by key. */
export async function all() {
  const read = await transact("readonly", (done) => done.getAll());
  const found = new Map(memory);
  for (const record of read?.result ?? []) if (valid(record)) found.set(record.key, record);
  return [...found.values()].sort((a, b) => a.key.localeCompare(b.key, "en", { numeric: true }));
}

/** Change one record in one transaction: `change(before)` returns what is new in it. */
export async function update(kind, id, change) {
  await updateEach([{ kind, id, change }]);
}

/** Change records, all or none. */
async function updateEach(changes) {
  const at = Date.now();
  const merged = ({ kind, id, change }, before) => {
    const key = `${kind}/${id}`;
    return { ...before, at, ...change(before ?? {}), key, kind, id };
  };
  const done = await transact("readwrite", (store) => {
    for (const each of changes) {
      const request = store.get(`${each.kind}/${each.id}`);
      request.onsuccess = () => {
        const before = valid(request.result) ? request.result : undefined;
        store.put(merged(each, before));
      };
    }
  });
  if (!done) {
    for (const each of changes) {
      const key = `${each.kind}/${each.id}`;
      memory.set(key, merged(each, memory.get(key)));
    }
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
  const records = (await all()).map(({ key, ...record }) => record);
  return `${JSON.stringify({ format: FORMAT, records }, null, 1)}\n`;
}

/** Take over a file's text: one of ours, or a local lab's progress.json.
 *
 * Returns how many records it has. What is here is kept where it says more. Throws an
 * Error with a sentence for the reader, and changes nothing, where it is not such a file.
 */
export async function imported(text) {
  const rows = read(text);
  await updateEach(
    rows.map((row) => ({ kind: row.kind, id: row.id, change: (before) => joined(before, row) })),
  );
  return rows.length;
}

/** Refuse a file by its size, in a sentence, before it is read. */
export function refuseBySize(bytes) {
  if (bytes > MOST_BYTES) {
    throw new Error("This file has more than a megabyte, and a progress file has a few kilobytes. Nothing was changed.");
  }
}

/** Call `listener` when anything changes, in this tab or another; returns how to stop. */
export function watch(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function announce() {
  notifyAll();
  try {
    channel?.postMessage("changed");
  } catch {
    // A closed channel: other tabs notice when they become visible.
  }
}

function read(text) {
  refuseBySize(text.length);
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Error("This file is not JSON: choose the progress.json of a lab, or a file exported here. Nothing was changed.");
  }
  const rows = rowsOf(body);
  if (rows === null) {
    throw new Error(`This file is no progress file: its format is neither ${FORMAT_OF_LABS} nor ${FORMAT}. Nothing was changed.`);
  }
  if (rows.length > MOST_RECORDS) {
    throw new Error(`This file has ${rows.length} records, more than the book has questions. Nothing was changed.`);
  }
  return rows.map(checked);
}

function rowsOf(body) {
  if (body?.format === FORMAT_OF_LABS && isPlain(body.exercises)) {
    return Object.entries(body.exercises).map(([id, row]) => isPlain(row) && { ...row, kind: "exercise", id });
  }
  if (body?.format === FORMAT && Array.isArray(body.records)) return body.records;
  return null;
}

function isPlain(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

const absent = (value) => value === undefined;
const count = (most) => (value) => absent(value) || (Number.isInteger(value) && value >= 0 && value <= most);
const flag = (value) => absent(value) || typeof value === "boolean";
const word = (value) => absent(value) || (typeof value === "string" && value.length <= 200);

const FIELDS = {
  kind: (value) => KINDS.has(value),
  id: (value) => typeof value === "string" && /^[\w.-]{1,80}$/.test(value),
  page: word,
  at: count(LAST_DATE),
  answer: word,
  right: (value) => value === null || flag(value),
  tries: count(MOST),
  tried: flag,
  hints: count(MOST),
  checks: count(MOST),
  passed: flag,
};

function fits(row) {
  return isPlain(row) && Object.entries(FIELDS).every(([name, test]) => test(row[name]));
}

function valid(record) {
  return fits(record) && record.key === `${record.kind}/${record.id}`;
}

function checked(row) {
  if (!fits(row)) {
    throw new Error("This progress file is damaged: a record in it is not whole. Nothing was changed.");
  }
  const names = Object.keys(FIELDS).filter((name) => row[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, row[name]]));
}

function joined(before, row) {
  const now = Date.now();
  const at = Math.min(row.at ?? now, now);
  if (row.kind === "exercise") {
    return {
      ...row,
      at: Math.max(before.at ?? 0, at),
      hints: Math.max(before.hints ?? 0, row.hints ?? 0),
      checks: Math.max(before.checks ?? 0, row.checks ?? 0),
      passed: Boolean(before.passed || row.passed),
      tried: Boolean(before.tried || row.tried),
    };
  }
  // Of two answers the later one counts, and an answer more than a question skipped.
  const theirs = Boolean(row.tries) - Boolean(before.tries) || (row.at ?? 0) - (before.at ?? -1);
  return theirs > 0 ? { ...row, at } : before;
}
