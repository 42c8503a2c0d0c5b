/* The toolbar of a live cell: its buttons, its state in words, and a line of status. */

const NAMES = {
  run: "Run",
  edit: "Edit",
  runAbove: "Run all above",
  stop: "Stop",
  reset: "Reset",
};

function made(tag, attributes = {}, text = "") {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

/** Buttons dispatch an `act` event on `element`, whose detail is "run", "edit", … */
export class Bar {
  constructor(cell) {
    this.cell = cell;
    this.started = false; // once any cell of the page has been run
    this.loading = false;
    const name = `Cell ${cell.number}`;
    this.element = made("div", { class: "mp-live", role: "group", "aria-label": name });
    this.buttons = Object.fromEntries(
      Object.entries(NAMES).map(([action, text]) => [action, this.button(action, text)]),
    );
    this.label = made("span", { class: "mp-live-state" });
    this.status = made("p", { class: "mp-live-status", role: "status" });
    this.element.append(...Object.values(this.buttons), this.label, this.status);
    this.retry = null;
    this.show();
  }

  button(action, text) {
    const button = made("button", { type: "button", class: `mp-live-${action.toLowerCase()}` }, text);
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-disabled") !== "true") this.press(action);
    });
    return button;
  }

  /** Do what a button does. */
  press(action) {
    this.element.dispatchEvent(new CustomEvent("act", { detail: action }));
  }

  /** Show the buttons that make sense now, and the state. */
  show() {
    const { cell } = this;
    const { busy } = cell;
    const { run, edit, runAbove, stop, reset } = this.buttons;
    run.setAttribute("aria-disabled", String(busy));
    this.toggle(edit, !cell.editor);
    this.toggle(runAbove, this.started && cell.number > 1 && !busy);
    this.toggle(stop, busy);
    this.toggle(reset, !busy && cell.changed);
    this.label.textContent = `Cell ${cell.number}: ${cell.state}`;
    this.label.dataset.state = cell.state;
  }

  /** Show or hide a button; focus goes to Run before it would be lost. */
  toggle(button, shown) {
    if (!shown && button === document.activeElement) this.buttons.run.focus();
    button.hidden = !shown;
  }

  /** Show what goes on, in one line; quietly, it is not read aloud. */
  setStatus(text, { quiet = false } = {}) {
    this.drop();
    this.status.setAttribute("aria-live", quiet ? "off" : "polite");
    this.status.textContent = text;
  }

  /** Add a sentence to the status. */
  addStatus(text) {
    this.status.textContent += ` ${text}`;
  }

  /** Show what went wrong with loading, and offer to try again, where that may help. */
  fail(text, again) {
    this.setStatus(text);
    if (!again) return;
    this.retry = made("button", { type: "button", class: "mp-live-retry" }, "Retry");
    this.retry.addEventListener("click", () => {
      this.drop();
      again();
    });
    this.status.after(this.retry);
  }

  /** Take the button Retry away. */
  drop() {
    if (this.retry === null) return;
    if (this.retry === document.activeElement) this.buttons.run.focus();
    this.retry.remove();
    this.retry = null;
  }
}
