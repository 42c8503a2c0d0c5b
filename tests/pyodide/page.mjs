// Run the live cells of pages as their worker does, under Node: page.mjs SITE < pages.
// It is the worker of the built site itself, with Node's files in the place of a host's.
// One Python runs all pages; each begins with the names that a new one has.
// Prints, as JSON, what the worker has sent of each page's cells, up to their outcome.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const site = path.resolve(process.argv[2]);
const pages = JSON.parse(fs.readFileSync(0, "utf-8"));
const base = `${pathToFileURL(path.join(site, "pyodide")).href}/`;
// Pyodide looks for these to find out where it is.
Object.assign(process, { browser: true, type: "renderer" });
Object.assign(globalThis, {
  self: globalThis,
  WorkerGlobalScope: Object,
  location: new URL(base),
  fetch: async (address) => {
    const file = new URL(address?.url ?? address);
    const type = file.pathname.endsWith(".wasm") ? "application/wasm" : "text/plain";
    return new Response(fs.readFileSync(file), { headers: { "Content-Type": type } });
  },
});

let hear;
const BEGIN = `__new = {*globals(), "__new"}`;
const END = "for __name in {*globals()} - __new: del globals()[__name]";
globalThis.postMessage = (message) => hear(message);
/** Send the worker a message; give what it tells until one of these. */
const send = (message, ...ends) => new Promise((resolve, reject) => {
  const heard = [];
  hear = (answer) => {
    heard.push(answer);
    if (ends.includes(answer.type)) resolve(heard);
    if (["unloaded", "died"].includes(answer.type)) reject(new Error(answer.why));
  };
  self.onmessage({ data: message });
});

try {
  await import(pathToFileURL(path.join(site, "_static/vendor/js/worker.js")).href);
  await send({ type: "start", base }, "ready");
  const run = (source, number = 1) => send({ type: "run", number, source }, "ran");
  await run(BEGIN);
  const sent = [];
  for (const sources of pages) {
    sent.push([]);
    for (const [i, source] of sources.entries()) {
      sent.at(-1).push(await run(source, i + 1));
    }
    await run(END);
  }
  const answer = JSON.stringify(sent);
  // A pipe takes 64 KB at once: wait until all of it is taken.
  await new Promise((done) => process.stdout.write(answer, done));
} catch (error) {
  // The default print of such an error is the whole of Pyodide's source.
  console.error(String(error.message ?? error).slice(0, 2000));
  process.exit(1);
}
process.exit(0);
