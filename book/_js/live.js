/* Live cells: code of the page that a reader can run, change and run again, in place.
 *
 * This module is all that a page loads: it puts a toolbar under each cell. The first
 * click loads the rest (_replay.js and what it imports), and Pyodide in a worker.
 */
import { Bar } from "./_bar.js";

const CELLS = "div.cell.tag_live";

/** One cell: its code, its outputs, its toolbar. */
class Cell {
  constructor(element, number) {
    this.element = element;
    this.number = number;
    this.name = `cell ${number}`;
    this.input = element.querySelector(".cell_input");
    this.built = {
      source: this.input.querySelector("pre").textContent.replace(/\n$/, ""),
      output: element.querySelector(".cell_output"),
    };
    // Copied now: players and others change the page.
    this.built.html = this.built.output?.innerHTML ?? "";
    this.source = this.built.source;
    this.state = "as built";
    this.ended = "as built"; // how it ended when it last ran
    this.busy = false;
    this.editor = null;
    this.bar = new Bar(this);
    this.input.after(this.bar.element);
    element.dataset.live = "";
  }

  /** Whether there is anything to put back. */
  get changed() {
    const { editor, output, source, built } = this;
    return Boolean(editor || output?.live) || source !== built.source;
  }

  /** Show a state, in words and for the style sheet. */
  become(state) {
    this.state = state;
    this.bar.show();
    this.element.dataset.live = state.replaceAll(" ", "-");
  }
}

let replay = null;

/** The part that runs cells, loaded at the first click; a failed load is tried again. */
function loaded(cells) {
  replay ??= import("./_replay.js").then(
    ({ Replay }) => new Replay(cells),
    (error) => {
      replay = null;
      throw error;
    },
  );
  return replay;
}

async function act(cells, cell, action) {
  try {
    const running = await loaded(cells);
    await running[action](cell);
  } catch (error) {
    cell.bar.fail(`A part of this page could not be loaded (${error.message}).`, () =>
      act(cells, cell, action));
  }
}

function start() {
  const elements = [...document.querySelectorAll(CELLS)];
  if (typeof WebAssembly === "undefined" || typeof Worker === "undefined") {
    const line = document.createElement("p");
    line.className = "mp-live-none";
    line.textContent = "This browser has no WebAssembly, so the cells of this page " +
      "cannot run in it. What they printed when the book was built is all here.";
    elements[0]?.before(line);
    elements.forEach((element) => { element.dataset.live = "none"; });
    return;
  }
  const cells = elements.map((element, i) => new Cell(element, i + 1));
  for (const cell of cells) {
    cell.bar.element.addEventListener("act", ({ detail }) => act(cells, cell, detail));
  }
}

start();
