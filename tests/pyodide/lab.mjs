// Run a cell in Pyodide under Node as JupyterLite's kernel does: lab.mjs LOCK < cell.
// What the cell's text imports is loaded before it. Prints, as JSON, which packages were
// there at first and which after, and the cell's value.
import fs from "node:fs";
import { loadPyodide } from "pyodide";

const [lockFileURL] = process.argv.slice(2);
const quiet = { messageCallback() {} };
try {
  const py = await loadPyodide({ lockFileURL });
  await py.loadPackage(["movingparts", "ipython"], quiet);
  const before = Object.keys(py.loadedPackages);
  const cell = fs.readFileSync(0, "utf-8");
  await py.loadPackagesFromImports(cell, quiet);
  const after = Object.keys(py.loadedPackages);
  const value = await py.runPythonAsync(cell);
  console.log(JSON.stringify({ before, after, value }));
} catch (error) {
  // The default print of such an error is the whole of Pyodide's source.
  console.error(String(error.message ?? error));
  process.exit(1);
}
