/* Light, dark or the system's colors: what the page shows, and what its button changes. */
const root = document.documentElement;
const MODES = ["auto", "light", "dark"];
const dark = matchMedia("(prefers-color-scheme: dark)");

function show(mode) {
  root.dataset.mode = mode;
  root.dataset.theme = mode === "auto" ? (dark.matches ? "dark" : "light") : mode;
}

function choose() {
  // The first press always shows: from the system's colors to the other ones.
  const order = dark.matches ? MODES : ["auto", "dark", "light"];
  const mode = order[(order.indexOf(root.dataset.mode) + 1) % order.length];
  localStorage.setItem("mode", mode);
  localStorage.setItem("theme", mode); // 404.html and the player's frames read it
  show(mode);
}

dark.addEventListener("change", () => show(root.dataset.mode));
addEventListener("storage", ({ key, newValue }) => {
  if (key === "mode") show(MODES.includes(newValue) ? newValue : "auto");
});
for (const button of document.querySelectorAll(".theme-switch-button")) {
  button.addEventListener("click", choose);
}
