/* The worker in which a page's live cells run: Pyodide, and cells.py inside it.
 *
 * It receives  {type: "start", base}            the folder of Pyodide, as a URL
 *              {type: "run", number, source}    run a cell
 * It sends     {type: "loaded", files, bytes}   how much has come so far
 *              {type: "starting"}               all is here, Python starts
 *              {type: "ready"}                  cells can run
 *              {type: "unloaded", file, why}    something could not be loaded
 *              {type: "stream" | "display", name, text}    what a running cell shows
 *              {type: "cut"}                    it shows more than a page can hold
 *              {type: "ran", outcome}           it has ended; see cells.py
 *              {type: "died", why}              Python itself has crashed
 */
import source from "./cells.py";

const START = `
import importlib, sys
importlib.invalidate_caches()
import live_cells, live_pretty
live_cells.prepare()
live_cells.Cells(sys.modules["__main__"], send, live_pretty)
`;
const MOST = 400_000; // characters that one run of a cell may show
const PAUSE = 40; // milliseconds between two pieces of a stream
const send = (type, more = {}) => self.postMessage({ type, ...more });

let cells = null;
let failures = []; // files that did not come

/** Remember which file did not come: Pyodide's own errors seldom say. */
const fetched = self.fetch;
self.fetch = async (request, options) => {
  const address = String(request?.url ?? request);
  try {
    const answer = await fetched(request, options);
    if (!answer.ok) failures.push([address, `the server answers ${answer.status}`]);
    return answer;
  } catch (error) {
    failures.push([address, error.message]);
    throw error;
  }
};

/** Count what is loaded, for the waiting reader. */
function counted() {
  let files = 0;
  let bytes = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      files += 1;
      bytes += entry.encodedBodySize;
    }
    if (!cells) send("loaded", { files, bytes });
  }).observe({ type: "resource", buffered: true });
}

async function start(base) {
  counted();
  try {
    cells = await python(base);
    send("ready");
  } catch (error) {
    const [address, why] = failures[0] ?? [error.address, firstLine(error)];
    const file = address ? new URL(address).pathname.split("/").pop() : null;
    send("unloaded", { file, why });
  }
}

async function python(base) {
  const at = (name) => new URL(name, base).href;
  const { loadPyodide } = await loaded(at("pyodide.mjs"));
  const printer = fetch(at("pretty.py")).then((answer) => answer.text());
  printer.catch(() => {}); // reported below
  const py = await loadPyodide({
    indexURL: base,
    lockFileURL: at("pyodide-lock.json"),
    packages: ["movingparts"],
    stdout: () => {},
    stderr: () => {},
    stdin: () => null,
  });
  const pretty = await printer;
  if (failures.length) throw new Error("a file is missing");
  send("starting");
  const place = py.runPython("import site; site.getsitepackages()[0]");
  py.FS.writeFile(`${place}/live_cells.py`, source);
  py.FS.writeFile(`${place}/live_pretty.py`, pretty);
  // Not in `__main__`: that is where the page's cells live.
  const globals = py.globals.get("dict")();
  globals.set("send", show);
  return py.runPython(START, { globals });
}

/** Import a module; if that fails, add its address to the error. */
async function loaded(address) {
  try {
    return await import(address);
  } catch (error) {
    error.address = address;
    throw error;
  }
}

const stream = { name: "", text: "", at: 0, timer: 0, shown: 0 };

/** What cells.py calls with everything that a cell shows while it runs. */
function show(kind, name, text) {
  if (stream.shown > MOST) return;
  stream.shown += text.length;
  if (stream.shown > MOST) {
    flush();
    send("cut");
  } else if (kind === "display") {
    flush();
    send("display", { name, text });
  } else {
    gather(name, text);
  }
}

/** Send streams in pieces: a message for each print would be too many. */
function gather(name, text) {
  if (stream.name !== name) flush();
  stream.name = name;
  stream.text += text;
  if (performance.now() - stream.at > PAUSE) flush();
  else stream.timer ||= setTimeout(flush, PAUSE);
}

function flush() {
  clearTimeout(stream.timer);
  if (stream.text) send("stream", { name: stream.name, text: stream.text });
  Object.assign(stream, { text: "", timer: 0, at: performance.now() });
}

async function run({ number, source: code }) {
  stream.shown = 0;
  try {
    const outcome = await cells.run(number, code);
    flush();
    send("ran", { outcome: JSON.parse(outcome) });
  } catch (error) {
    flush();
    send("died", { why: firstLine(error) });
  }
}

/** The first line of an error: Pyodide's go on with its whole source. */
function firstLine(error) {
  const lines = String(error?.message ?? error).trim().split("\n");
  return lines[0].slice(0, 300);
}

self.onmessage = ({ data }) => (data.type === "start" ? start(data.base) : run(data));
