// Run a page's live cells as its worker does, under Node: page.mjs SITE < sources.
// It is the worker of the built site itself, with Node's files in the place of a host's.
// Prints, as JSON, what the worker has told of each cell, up to its outcome.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const site = path.resolve(process.argv[2]);
const sources = JSON.parse(fs.readFileSync(0, "utf-8"));
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
const told = [];
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
  for (const [i, source] of sources.entries()) {
    told.push(await send({ type: "run", number: i + 1, source }, "ran"));
  }
  fs.writeFileSync(1, JSON.stringify(told));
} catch (error) {
  // The default print of such an error is the whole of Pyodide's source.
  console.error(String(error.message ?? error).slice(0, 2000));
  process.exit(1);
}
process.exit(0);
