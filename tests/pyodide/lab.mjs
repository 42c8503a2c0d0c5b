// Run the cells of notebooks as JupyterLite's kernel does, in Pyodide under Node:
// lab.mjs LOCK PACKAGE..., with one notebook a line, [cell, ...], until its input ends.
// The kernel is JupyterLite's own, and is reset before each notebook. Prints a line of
// JSON for each one: the packages that were there at first and at the end, and of each
// cell how it ended ("ok", or the error) and what it showed as text.
import readline from "node:readline";
import { loadPyodide } from "pyodide";

const RUN = `
import os, sys
import pyodide_kernel
kernel, shell = pyodide_kernel.kernel_instance, pyodide_kernel.ipython_shell
shown = []
for stream in (pyodide_kernel.stdout_stream, pyodide_kernel.stderr_stream):
    stream.publish_stream_callback = lambda name, text: shown.append(text)
shell.display_pub.display_data_callback = lambda data, *_: shown.append(
    data.get("text/plain", ""))
shell.displayhook.publish_execution_result = lambda _, data, __: shown.append(
    data.get("text/plain", ""))
# What a widget sends goes to a front end, and here is none.
shell.send_comm = lambda *_: None

async def run(cell):
    shown.clear()
    ended = await kernel.run(cell)
    wrong = f"{ended.get('ename')}: {ended.get('evalue')}"
    return ["ok" if ended["status"] == "ok" else wrong, "".join(shown)]
run
`;

const [lockFileURL, ...packages] = process.argv.slice(2);
try {
  const py = await loadPyodide({ lockFileURL, packages });
  const run = py.runPython(RUN, { globals: py.globals.get("dict")() });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const before = Object.keys(py.loadedPackages);
    const cells = [];
    await run("%reset -f");
    for (const cell of JSON.parse(line)) cells.push((await run(cell)).toJs());
    const report = { before, after: Object.keys(py.loadedPackages), cells };
    // Pyodide prints too: a report is the line that begins with this.
    process.stdout.write(`\nREPORT ${JSON.stringify(report)}\n`);
  }
} catch (error) {
  // The default print of such an error is the whole of Pyodide's source.
  console.error(String(error.message ?? error).slice(-2000));
  process.exit(1);
}
process.exit(0);
