/* A button on each listing that copies it, without prompts. Outputs have none, and live
 * cells have a toolbar of their own. */
const PROMPT = /^(?:>>> |\.\.\. |\$ )/;
const status = document.createElement("span");
status.className = "visually-hidden";
status.setAttribute("role", "status");

/** What is copied of a listing: with prompts, only the lines that have one. */
export function withoutPrompts(text) {
  const lines = text.split("\n");
  const typed = lines.filter((line) => PROMPT.test(line));
  if (!typed.length) return text.replace(/\n$/, "");
  return typed.map((line) => line.replace(PROMPT, "")).join("\n");
}

async function copy(button, listing) {
  let done = "Copied";
  try {
    await navigator.clipboard.writeText(withoutPrompts(listing.textContent));
  } catch {
    // Refused, or no https: the reader copies by hand what is now selected.
    getSelection().selectAllChildren(listing);
    done = "Selected";
  }
  button.dataset.done = done;
  status.textContent = done;
  setTimeout(() => {
    delete button.dataset.done;
    status.textContent = "";
  }, 2000);
}

for (const listing of document.querySelectorAll("article .highlight pre")) {
  if (listing.closest(".cell_output, .tag_live")) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copybtn";
  button.textContent = "Copy";
  button.addEventListener("click", () => copy(button, listing));
  listing.parentElement.append(button);
}
if (document.querySelector(".copybtn")) document.body.append(status);
