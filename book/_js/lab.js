/* The third button of a lab page: restore the original in this browser.
 *
 * JupyterLite keeps what a reader wrote in its own database, made by localforage:
 * one object store for files, one for checkpoints, each under the notebook's path. A
 * copy that is deleted there is taken from the site again at the next visit.
 */
import { root } from "./_store.js";

const NAME = `JupyterLite Storage - ${root.pathname}lite/`;
const STORES = ["files", "checkpoints"];
const links = document.querySelector(".mp-lab-links");
const lab = new URL(links.querySelector("a").href).searchParams.get("path");

function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  made.append(...children);
  return made;
}

/** JupyterLite's database, or null where this browser has none. */
function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME);
    let absent = false;
    request.onupgradeneeded = () => {
      absent = true;
      request.transaction.abort(); // do not make one that JupyterLite would find empty
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => (absent ? resolve(null) : reject(request.error));
  });
}

/** Delete this lab's copy; returns whether there was one. */
async function forget() {
  const db = await opened();
  const stores = STORES.filter((name) => db?.objectStoreNames.contains(name));
  try {
    if (!stores.length) return false;
    return await new Promise((resolve, reject) => {
      const transaction = db.transaction(stores, "readwrite");
      let found = false;
      for (const name of stores) {
        const store = transaction.objectStore(name);
        const request = store.count(lab);
        request.onsuccess = () => { found ||= request.result > 0; };
        store.delete(lab);
      }
      transaction.oncomplete = () => resolve(found);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    db?.close();
  }
}

const status = make("p", { class: "mp-status", role: "status" });
const begin = make("button", { type: "button", class: "mp-button" }, "Start over in the browser");
const yes = make("button", { class: "mp-button mp-danger", value: "yes" }, "Delete my copy");
const no = make("button", { class: "mp-button", value: "no", autofocus: "" }, "Keep it");
const dialog = make(
  "dialog",
  { class: "mp-dialog", "aria-labelledby": "mp-start-over" },
  make(
    "form",
    { method: "dialog" },
    make("p", { class: "mp-dialog-title", id: "mp-start-over" }, "Start over?"),
    make(
      "p",
      {},
      "What you wrote into this lab in this browser is deleted, with its outputs. ",
      "Your progress stays, and so does every other lab.",
    ),
    make("p", { class: "mp-actions" }, yes, no),
  ),
);

begin.onclick = () => {
  dialog.returnValue = "";
  dialog.showModal();
};
dialog.onclose = async () => {
  if (dialog.returnValue !== "yes") return;
  try {
    status.textContent = (await forget())
      ? "Deleted. The lab opens as it was written; reload a tab in which it is still open."
      : "This browser holds no copy of this lab: it opens as it was written.";
  } catch (error) {
    const why = error?.message || error?.name || "refused";
    status.textContent = `This browser lets the page delete nothing (${why}). Its settings can clear the site's data.`;
  }
};

links.append(begin, status, dialog);
links.dataset.ready = ""; // its place was kept free (book.css)
