const failed = [];
addEventListener("error", ({ target }) => {
  if (target.localName === "script") failed.push(target.src);
}, true);

/** A line in the place of what is missing. */
function word(text) {
  const made = document.createElement("p");
  made.className = "mp-live-none";
  appendText(made, text);
  return made;
}

addEventListener("DOMContentLoaded", async () => {
  if (!failed.length) return;
  const lacks = (name) => failed.some((address) => address.includes(`/${name}.js`));
  // The links and styles of a page without scripts, in place of buttons that do nothing.
  if (lacks("frame")) {
    document.querySelectorAll("noscript").forEach((each) => { each.outerHTML = each.textContent; });
  }
  const file = failed[0].replace(/.*\/|\?.*/g, "");
  const why = cutOff() || reason([...await faults(failed), { file, why: "blocked" }]);
  const cells = lacks("live") ? [...document.querySelectorAll("div.cell.tag_live")] : [];
  cells.forEach((cell, i) => {
    const made = word(i ? "" : `There is no Run button here: ${why}`);
    if (i) made.append(link());
    else made.id = "mp-missing";
    cell.dataset.live = "none";
    cell.querySelector(".cell_input").after(made);
  });
  if (!cells.length) document.querySelector("h1").after(word(`A part of this page is missing: ${why}`));
});

/** From each later cell to the sentence at the first one. */
function link() {
  const made = document.createElement("a");
  made.href = "#mp-missing";
  made.textContent = "Why there is no Run button";
  return made;
}
