/* Opens the search: its buttons, Ctrl+K (Command+K on a Mac), and "/". */
const MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const TYPING = "input, textarea, select, [contenteditable]:not([contenteditable='false'])";

async function open(event) {
  event.preventDefault();
  const { openSearch } = await import("./_search.js");
  openSearch();
}

/** Whether keys that are pressed go into a text, also in an element with a shadow. */
function typing(event) {
  const inner = event.composedPath()[0];
  return inner instanceof Element && inner.closest(TYPING) !== null;
}

/** Whether these keys ask for the search. On some keyboards "/" needs Shift. */
function asks(event) {
  const { key, altKey, ctrlKey, metaKey, shiftKey } = event;
  if (key === "/") return !altKey && !ctrlKey && !metaKey && !typing(event);
  const command = MAC ? metaKey && !ctrlKey : ctrlKey && !metaKey;
  return key.toLowerCase() === "k" && command && !altKey && !shiftKey;
}

addEventListener("keydown", (event) => {
  if (!event.defaultPrevented && asks(event)) open(event);
});
for (const button of document.querySelectorAll(".search-button__button")) {
  button.addEventListener("click", open);
  button.setAttribute("aria-keyshortcuts", MAC ? "Meta+K" : "Control+K");
}
if (MAC) {
  for (const key of document.querySelectorAll(".kbd-shortcut__modifier")) key.textContent = "⌘";
}
const place = document.querySelector("[data-search-page]");
if (place) import("./_search.js").then(({ showSearch }) => showSearch(place));
