// Run Python code in Pyodide under Node: run.mjs WHEELS ROOT < code; prints its value.
import fs from "node:fs";
import path from "node:path";
import { loadPyodide } from "pyodide";

const [wheels, root] = process.argv.slice(2);
try {
  const py = await loadPyodide();
  const extractDir = py.runPython("import site; site.getsitepackages()[0]");
  for (const file of JSON.parse(wheels)) {
    if (file.includes("wasm32")) {
      await py.loadPackage("file://" + file, { messageCallback() {} });
    } else {
      py.unpackArchive(new Uint8Array(fs.readFileSync(file)), "wheel", { extractDir });
    }
  }
  py.mountNodeFS("/repository", path.resolve(root));
  py.runPython("import sys; sys.path[:0] = ['/repository', '/repository/src']");
  const answer = await py.runPythonAsync(fs.readFileSync(0, "utf-8"));
  // A pipe takes 64 KB at once: wait until all of it is taken.
  await new Promise((done) => process.stdout.write(answer, done));
} catch (error) {
  // The default print of such an error is the whole of Pyodide's source.
  console.error(String(error.message ?? error));
  process.exit(1);
}
