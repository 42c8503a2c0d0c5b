/* Which cells run, and in which order: what a cell builds on runs before it. */
import { Output } from "./_output.js";
import { Python, Unloaded } from "./_python.js";

const those = (cells) => (cells.length === 1 ? "the cell" : `the ${cells.length} cells`);
const fresh = (cell) => cell.ran !== null && cell.ran === cell.source;
const took = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** All live cells of a page; what the toolbars' buttons do, by their names.
 *
 * A job is a click: `clicked`, the cell whose button it was, and `choose()`, which gives
 * the cells to run. Jobs run one after another.
 */
export class Replay {
  constructor(cells) {
    this.cells = cells;
    this.python = null;
    this.lost = false; // whether cells had run in a Python that is gone
    this.jobs = [];
    for (const cell of cells) {
      cell.output = new Output(cell);
      cell.ran = null; // the code that this Python has run, and not failed
      cell.last = cell.source; // the code whose effects the cells below have seen
      cell.bar.started = true;
      cell.bar.show();
    }
  }

  /** Run a cell, and before it those above that have not run since they changed. */
  run(clicked) {
    const above = this.above(clicked);
    return this.add({ clicked, choose: () => [...above.filter((each) => !fresh(each)), clicked] });
  }

  /** Run all cells above, whether they have run or not. */
  runAbove(clicked) {
    return this.add({ clicked, choose: () => this.above(clicked) });
  }

  above(cell) {
    return this.cells.slice(0, cell.number - 1);
  }

  /** Make a cell's code editable. */
  async edit(cell) {
    const { opened } = await import("./_editor.js");
    cell.editor ??= opened(cell, {
      changed: (source) => this.change(cell, source),
      run: () => cell.bar.press("run"),
    });
    cell.editor.focus();
    cell.bar.show();
  }

  change(cell, source) {
    cell.source = source;
    if (!cell.busy) cell.become(source === cell.last ? cell.ended : "edited");
  }

  /** Put a cell back as it was built: its code and its output. */
  reset(cell) {
    const focused = cell.editor?.focused;
    cell.editor?.close();
    cell.editor = null;
    cell.source = cell.built.source;
    // What it did to Python cannot be undone: it runs again before those below it.
    if (cell.ran !== cell.source) cell.ran = null;
    cell.output.restore();
    cell.ended = "as built";
    cell.become("as built");
    cell.bar.setStatus("Code and output are as they were built.");
    if (focused) cell.bar.buttons.run.focus();
  }

  /** End Python, which ends a busy loop too, and forget the clicks that wait. */
  stop() {
    for (const { clicked } of this.jobs.splice(1)) release(clicked);
    this.python?.end(new Error("stopped"));
  }

  async add(job) {
    if (job.clicked.busy) return;
    hold(job.clicked);
    this.jobs.push(job);
    if (this.jobs.length > 1) return;
    while (this.jobs.length) {
      await this.play(this.jobs[0]);
      this.jobs.shift();
    }
  }

  async play({ clicked, choose }) {
    const cells = choose();
    if (!cells.includes(clicked)) clicked.become(clicked.before);
    for (const each of cells) if (each !== clicked) hold(each);
    const progress = { clicked, cells, ran: [], since: performance.now() };
    try {
      progress.again = await this.start((text) => clicked.bar.setStatus(text));
      for (const each of cells) {
        progress.now = each;
        if (each !== clicked) clicked.bar.setStatus(`Running cell ${each.number}`);
        if (!(await this.one(each, each === clicked))) break;
        progress.ran.push(each);
      }
      close(progress);
    } catch (error) {
      this.broken(error, progress);
    }
    for (const each of new Set([...cells, clicked])) release(each);
  }

  /** Start Python, if necessary; return whether cells had run in one before it. */
  async start(onStatus) {
    if (this.python?.ended) this.forget();
    this.python ??= new Python(onStatus);
    this.python.onStatus = onStatus;
    await this.python.ready;
    const again = this.lost;
    this.lost = false;
    return again;
  }

  forget() {
    this.python = null;
    this.lost ||= this.cells.some((cell) => cell.ran !== null || cell.state === "stopped");
    for (const cell of this.cells) cell.ran = null;
  }

  /** Run one cell; return whether it succeeded. */
  async one(cell, aloud) {
    const { source } = cell;
    const since = performance.now();
    cell.become("running");
    if (aloud) cell.bar.setStatus("Running");
    cell.output.begin();
    const outcome = await this.python.run(cell.number, source, (data) => cell.output.receive(data));
    const same = cell.output.end(outcome);
    cell.ran = outcome.error ? null : source;
    this.outdate(cell, source);
    cell.ended = outcome.error ? "failed" : "done";
    cell.become(cell.source === source ? cell.ended : "edited");
    const result = outcome.error ? `Failed after ${took(since)}: ${outcome.error.name}.`
      : `Done in ${took(since)}.${same ? " Same as on the page." : ""}`;
    cell.bar.setStatus(result, { quiet: !aloud });
    return !outcome.error;
  }

  /** Mark the cells below as out of date: one above them has changed. */
  outdate(cell, source) {
    if (source === cell.last) return;
    cell.last = source;
    for (const each of this.cells.slice(cell.number)) {
      if (each.ended !== "done" || each.state === "waiting") continue;
      each.ended = "out of date";
      if (!each.busy && each.state === "done") each.become("out of date");
    }
  }

  /** Python did not come, was stopped, or has crashed. */
  broken(error, { clicked, now }) {
    this.forget();
    if (error instanceof Unloaded) {
      const retry = error.final ? null : () => clicked.bar.press("run");
      clicked.bar.fail(error.message, retry);
      return;
    }
    const stopped = error.message === "stopped";
    if (now?.state === "running") {
      now.output.stop(stopped ? "" : `Python has crashed: ${error.message}`);
      now.ended = stopped ? "stopped" : "failed";
      now.become(now.ended);
      this.lost = true;
    }
    clicked.bar.setStatus(`${stopped ? "Stopped" : "Python has crashed"}. ` +
      "The next Run starts Python again, and runs the cells above first.");
  }
}

/** Show at the clicked cell what has been done. */
function close({ clicked, cells, ran, since, again }) {
  const others = cells.filter((each) => each !== clicked);
  const failed = cells.find((each) => !ran.includes(each));
  if (failed && failed !== clicked) {
    const left = cells.includes(clicked) ? ", so this cell was not run" : "";
    clicked.bar.setStatus(`Cell ${failed.number} failed${left}.`);
  } else if (!cells.includes(clicked)) {
    clicked.bar.setStatus(`Ran ${those(others)} above in ${took(since)}.`);
  } else if (others.length && again) {
    clicked.bar.addStatus(`Python had ended: ran ${those(others)} above again first.`);
  } else if (others.length) {
    clicked.bar.addStatus(`Ran ${those(others)} above first.`);
  } else if (again) {
    clicked.bar.addStatus("Python had ended, and was started again.");
  }
}

function hold(cell) {
  cell.before = cell.state;
  cell.busy = true;
  cell.become("waiting");
}

/** Let a cell go that was held; one that did not get its turn is as it was. */
function release(cell) {
  cell.busy = false;
  cell.become(cell.state === "waiting" ? cell.before : cell.state);
}
