/* One quiet line where progress is lost with the page. */
import { storageState } from "./_store.js";
import { make } from "./_make.js";

const LINE = "The browser refuses storage: progress is not kept in this window.";
let shown = false;

/** Append the line to an element, once per page, if nothing can be stored. */
export async function warnIfNotStored(place) {
  if (shown || (await storageState()).persistent || shown) return;
  shown = true;
  place.append(make("p", { class: "mp-not-stored", role: "status" }, LINE));
}
