/* One quiet line where progress does not outlive the page. */
import { kept } from "./_store.js";
import { make } from "./_make.js";

const LINE = "The browser refuses storage: progress is not kept in this window.";
let said = false;

/** Append the line to an element, once a page, if it applies. */
export async function sayIfNotKept(place) {
  if (said || (await kept()).kept || said) return;
  said = true;
  place.append(make("p", { class: "mp-not-kept", role: "status" }, LINE));
}
