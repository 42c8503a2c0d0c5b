/* The meaning of a term: inside the window, at the first tap, gone with Escape. */
const MARGIN = 8; // pixels between a meaning and the window's edge

function place({ target }) {
  const term = target.closest?.(".mp-term");
  if (!term) return;
  const meaning = term.querySelector(".mp-meaning");
  term.removeAttribute("data-closed");
  meaning.style.setProperty("--mp-shift", "0px");
  const { left, right } = meaning.getBoundingClientRect();
  const wide = document.documentElement.clientWidth;
  const shift = Math.max(Math.min(0, wide - MARGIN - right), MARGIN - left);
  meaning.style.setProperty("--mp-shift", `${shift}px`);
}

document.addEventListener("mouseover", place);
document.addEventListener("focusin", place);
document.addEventListener("pointerdown", (event) => {
  const link = event.target.closest?.(".mp-term > a");
  if (!link || event.pointerType === "mouse" || link === document.activeElement) return;
  link.addEventListener("click", (click) => { click.preventDefault(); link.focus(); }, { once: true });
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const term of document.querySelectorAll(".mp-term:is(:hover, :focus-within)")) term.dataset.closed = "";
});
