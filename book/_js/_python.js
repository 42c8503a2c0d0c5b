/* Python in a worker: started once, runs cells one after another, ended at will. */
import { faults, reason } from "../_templates/host.js";

// Files that a host may send as something that no browser runs.
const RUNTIME = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm"];

/** Where Pyodide is: on the site, wherever the site is. */
function place() {
  const root = document.documentElement.dataset.content_root ?? "./";
  return new URL("pyodide/", new URL(root, location.href)).href;
}

/** Python could not be loaded; the message tells the reader what is missing.
 *
 * `final` is true if trying again is of no use.
 */
export class Unloaded extends Error {
  final = false;
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/** `ready` settles when cells can run; `onStatus` is called with lines of status. */
export class Python {
  constructor(onStatus) {
    this.onStatus = onStatus;
    this.started = false;
    this.ended = false;
    this.running = null; // the cell that runs: {receive, resolve, reject}
    this.ready = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    this.ready.catch(() => {}); // handled by those who await it; nobody may await it yet
    this.worker = worker((error) => this.end(error));
    if (!this.worker) return;
    this.worker.onmessage = ({ data }) => this.receive(data);
    this.worker.onerror = (event) => {
      event.preventDefault();
      const why = event.message || "blocked, or no connection";
      this.end(this.started ? new Error(why) : new Unloaded(missing("worker.js", why)));
    };
    this.worker.postMessage({ type: "start", base: place() });
    this.refused = this.check();
    this.onStatus("Loading Python");
  }

  /** End if the host sends a file with a wrong type: Pyodide would wait forever. */
  async check() {
    const found = await faults(RUNTIME.map((name) => new URL(name, place()).href));
    if (this.started || !found[0]?.needed) return;
    const error = new Unloaded(`Python could not be loaded: ${reason(found)}`);
    this.end(Object.assign(error, { final: true }));
  }

  /** Run a cell; `receive` gets its output meanwhile; returns its outcome. */
  async run(number, source, receive) {
    await this.ready;
    return new Promise((resolve, reject) => {
      this.running = { receive, resolve, reject };
      this.worker.postMessage({ type: "run", number, source });
    });
  }

  /** End the worker, in the middle of whatever it does. */
  end(error) {
    this.worker?.terminate();
    this.ended = true;
    this.settle.reject(error);
    this.running?.reject(error);
  }

  receive(data) {
    const answer = {
      loaded: ({ files, bytes }) =>
        this.onStatus(`Loading Python and its libraries: ${files} files, ${megabytes(bytes)}`),
      starting: () => this.onStatus("Starting Python"),
      ready: () => { this.started = true; this.settle.resolve(); },
      unloaded: async ({ file, why }) => {
        await this.refused; // which says more
        this.end(new Unloaded(missing(file, why)));
      },
      ran: ({ outcome }) => this.running.resolve(outcome),
      died: ({ why }) => this.end(new Error(why)),
    }[data.type];
    if (answer) answer(data);
    else this.running?.receive(data);
  }
}

function missing(file, why) {
  if (!file) return `Python could not be started: ${why}.`;
  return `Python could not be loaded: ${file} did not come (${why}). ` +
    "Check the connection, then try again.";
}

/** A module worker; null if the browser has none, after a call of `fail`. */
function worker(fail) {
  let known = false; // whether the browser asks for a worker's type
  const options = { get type() { known = true; return "module"; } };
  const made = new Worker(new URL("./worker.js", import.meta.url), options);
  if (known) return made;
  made.terminate();
  const error = new Unloaded("This browser has no module workers, so cells cannot run in it.");
  queueMicrotask(() => fail(Object.assign(error, { final: true })));
  return null;
}
