/* How each form of question is answered: its controls, its answer, its verdict.
 *
 * Each function gets the question's element and returns null where its markup is not as
 * expected; nothing is changed before `build`. Answers are written as in data-answer.
 */
import { make } from "./_make.js";

const both = new Intl.ListFormat("en", { type: "conjunction" });
const shown = (letters) => both.format(letters.map((letter) => letter.toUpperCase()));
let names = 0;

export const FORMS = { one: (group) => choice(group, false), several: (group) => choice(group, true), order, number };

function optionsOf(group) {
  const list = group.querySelector(":scope > .mp-options");
  const options = [...(list?.children ?? [])];
  const letters = options.map((option) => option.dataset.option);
  const right = (group.dataset.answer ?? "").split(" ").filter(Boolean);
  const whole =
    options.length > 1 && letters.every(Boolean) && new Set(letters).size === letters.length &&
    right.length > 0 && right.every((letter) => letters.includes(letter)) &&
    options.every((option) => option.querySelector(":scope > .mp-option"));
  return whole ? { list, options, letters, right } : null;
}

function choice(group, several) {
  const found = optionsOf(group);
  if (!found || (!several && found.right.length !== 1)) return null;
  const { list, options, letters, right } = found;
  const name = `mp-answer-${(names += 1)}`;
  const inputs = letters.map((letter) =>
    make("input", { type: several ? "checkbox" : "radio", name, value: letter }),
  );
  const chosen = () => inputs.filter((input) => input.checked).map((input) => input.value);

  return {
    inline: [],
    rows: [],
    build(form) {
      options.forEach((option, index) => {
        const letter = make("span", { class: "mp-letter" }, letters[index].toUpperCase());
        const label = make("label", { class: "mp-choice" }, inputs[index], letter);
        label.append(" ", option.querySelector(":scope > .mp-option"));
        option.append(label);
      });
      form.append(list);
    },
    read() {
      if (chosen().length) return { answer: chosen().join(" ") };
      inputs[0].focus();
      return { complaint: several ? "Choose at least one option first." : "Choose an option first." };
    },
    accepts: (answer) => {
      const named = answer.split(" ");
      return named.every((letter) => letters.includes(letter)) && (several || named.length === 1);
    },
    write(answer) {
      const named = answer?.split(" ") ?? [];
      for (const input of inputs) input.checked = named.includes(input.value);
    },
    enable: (on) => inputs.forEach((input) => { input.disabled = !on; }),
    clearError() {},
    focus: () => inputs[0].focus(),
    evaluate: (answer) => (several ? evaluateSeveral(answer.split(" "), letters, right) : evaluateOne(answer, right[0])),
  };
}

function evaluateOne(answer, right) {
  const chose = `You chose ${answer.toUpperCase()}`;
  if (answer === right) return { right: true, feedback: `${chose}.`, first: [answer] };
  return { right: false, wrong: "Not right.", feedback: `${chose}; ${right.toUpperCase()} is right.`, first: [answer, right] };
}

function evaluateSeveral(answer, letters, right) {
  const chose = `You chose ${shown(answer)}`;
  const missed = right.filter((letter) => !answer.includes(letter));
  const wrong = answer.filter((letter) => !right.includes(letter));
  if (!missed.length && !wrong.length) return { right: true, feedback: `${chose}, and no other is.`, first: answer };
  const faults = [];
  if (wrong.length) faults.push(`${shown(wrong)} ${wrong.length > 1 ? "do" : "does"} not hold`);
  if (missed.length) faults.push(`you missed ${shown(missed)}`);
  const rest = letters.filter((letter) => right.includes(letter) && !missed.includes(letter));
  return {
    right: false,
    wrong: wrong.length < answer.length ? "Not quite." : "Not right.",
    feedback: `${chose}; ${faults.join(", and ")}.`,
    first: [...wrong, ...missed, ...rest],
  };
}

function order(group) {
  const found = optionsOf(group);
  if (!found || found.right.length !== found.letters.length) return null;
  const { list, options, letters, right } = found;
  const buttons = [];
  const current = () => [...list.children].map((option) => option.dataset.option);
  const textOf = (option) => option.querySelector(".mp-option").textContent.trim().replace(/\s+/g, " ");
  let enabled = true;

  function refresh() {
    for (const { option, button, step } of buttons) {
      const place = [...list.children].indexOf(option) + step;
      button.disabled = !enabled || place < 0 || place >= options.length;
    }
  }

  function arrange(wanted) {
    const moved = wanted.map((letter) => options.find((option) => option.dataset.option === letter));
    list.append(...moved);
    refresh();
  }

  function move(option, step, announce) {
    const wanted = current();
    const from = wanted.indexOf(option.dataset.option);
    wanted.splice(from + step, 0, ...wanted.splice(from, 1));
    arrange(wanted);
    // A button that was moved, or can go no further, has lost the focus.
    const own = buttons.filter((each) => each.option === option);
    (own.find((each) => each.step === step && !each.button.disabled) ?? own.find((each) => !each.button.disabled))?.button.focus();
    announce(`${textOf(option)} Now ${from + step + 1} of ${options.length}.`);
  }

  return {
    inline: [],
    rows: [],
    build(form, announce) {
      for (const option of options) {
        const steps = [[-1, "↑", "up"], [1, "↓", "down"]].map(([step, arrow, way]) => {
          const button = make("button", { type: "button", class: "mp-move", "aria-label": `Move ${way}: ${textOf(option)}` }, arrow);
          button.addEventListener("click", () => move(option, step, announce));
          buttons.push({ option, button, step });
          return button;
        });
        option.append(make("span", { class: "mp-moves" }, ...steps));
      }
      refresh();
      form.append(list);
    },
    read: () => ({ answer: current().join(" ") }),
    accepts: (answer) => [...answer.split(" ")].sort().join(" ") === [...letters].sort().join(" "),
    write: (answer) => arrange(answer?.split(" ") ?? letters),
    enable(on) { enabled = on; refresh(); },
    clearError() {},
    focus: () => buttons.find((each) => !each.button.disabled)?.button.focus(),
    evaluate(answer) {
      const sequence = (text) => text.toUpperCase().split(" ").join(", ");
      const same = answer === right.join(" ");
      if (same) return { right: true, feedback: `The order is ${sequence(answer)}.`, first: [] };
      return { right: false, wrong: "Not right.", feedback: `Yours: ${sequence(answer)}. The right order: ${sequence(right.join(" "))}.`, first: [] };
    },
  };
}

function number(group) {
  const right = Number(group.dataset.answer || NaN);
  const tolerance = Number(group.dataset.tolerance || 0);
  const unit = group.dataset.unit ?? "";
  if (!Number.isFinite(right) || !(tolerance >= 0)) return null;
  const id = `mp-answer-${(names += 1)}`;
  const input = make("input", { id, type: "text", inputmode: "decimal", class: "mp-number-input", size: "8", autocomplete: "off" });
  const label = make("label", { for: id, class: "mp-number-label" }, "Your answer");
  const withUnit = (value) => `${plain(value)}${unit && `\u00a0${unit}`}`;

  return {
    inline: [label, input, ...(unit ? [make("span", { class: "mp-unit", id: `${id}-unit` }, unit)] : [])],
    rows: [],
    build() {
      if (unit) input.setAttribute("aria-describedby", `${id}-unit`);
    },
    read() {
      const value = parsed(input.value, unit);
      if (Number.isFinite(value)) return { answer: String(value) };
      input.setAttribute("aria-invalid", "true");
      input.focus();
      return { complaint: input.value.trim() ? "That is not a number. Write it in digits, for example 12.5." : "Write a number first." };
    },
    accepts: (answer) => Number.isFinite(Number(answer)),
    write(answer) { input.value = answer === null ? "" : plain(Number(answer)); },
    enable(on) { input.disabled = !on; this.clearError(); },
    clearError: () => input.removeAttribute("aria-invalid"),
    focus: () => input.focus(),
    evaluate(answer) {
      const value = Number(answer);
      const off = Math.abs(value - right);
      const within = off <= tolerance * (1 + 1e-9);
      if (off === 0) return { right: true, feedback: `It is ${withUnit(right)}.`, first: [] };
      const feedback = `You said ${withUnit(value)}, and it is ${withUnit(right)}: ${withUnit(off)} too ${value > right ? "high" : "low"}`;
      if (within) return { right: true, feedback: `${feedback}, within ${withUnit(tolerance)}.`, first: [] };
      return { right: false, wrong: "Not right.", feedback: `${feedback}.`, first: [] };
    },
  };
}

/** A number as a reader wrote it: "17", "17 %", "1,300", "0,05"; NaN if it is none. */
function parsed(written, unit) {
  let text = written.trim().replace(/[\u2212\u2013]/g, "-");
  if (unit && text.endsWith(unit)) text = text.slice(0, -unit.length).trim();
  text = /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(text) ? text.replaceAll(",", "") : text.replace(",", ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(text) ? Number(text) : NaN;
}

function plain(value) {
  return String(Number(value.toPrecision(6))).replace("-", "−");
}
