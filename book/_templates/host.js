const SCRIPT = /^(text|application)\/(x-)?(java|ecma|live|j)script[\d.]*$/;
const PATIENCE = 8000; // milliseconds; a slow answer says nothing about the host

/** What is wrong with a file as the host sends it; null where nothing is. */
async function fault(address) {
  const file = new URL(address).pathname.split("/").pop();
  let answer;
  try {
    for (const method of ["HEAD", "GET"]) { // some hosts answer GET alone
      answer = await fetch(address, { method, signal: AbortSignal.timeout(PATIENCE) });
      if (answer.ok) break;
    }
  } catch (error) {
    return error.name === "TimeoutError" ? null : { file, why: error.message };
  }
  answer.body?.cancel();
  if (!answer.ok) return { file, why: `the server answers ${answer.status}` };
  const type = (answer.headers.get("Content-Type") ?? "").trim();
  // A browser compiles nothing that comes as "application/wasm; charset=utf-8".
  if (file.endsWith(".wasm")) {
    return type.toLowerCase() === "application/wasm" ? null
      : { file, type, needed: "application/wasm" };
  }
  return SCRIPT.test(type.split(";")[0].trim().toLowerCase()) ? null
    : { file, type, needed: "text/javascript" };
}

/** The faults of some files, those of content types first. */
export async function faults(addresses) {
  const found = (await Promise.all(addresses.map(fault))).filter(Boolean);
  return found.sort((one, other) => !one.needed - !other.needed);
}

/** Why the browser keeps this page from its own scripts, and what to do; or "". */
export function cutOff() {
  if (location.protocol === "file:") {
    return "this page was opened from disk, and browsers load no scripts from there. " +
      "In the book's folder, run `make serve`, then open the address that it prints.";
  }
  if (origin !== "null") return "";
  const here = location.protocol.startsWith("http") ? `: \`${location.href}\`` : ".";
  return "this page is in a frame that keeps its scripts out " +
    `(\`sandbox\` without \`allow-same-origin\`). Open the page on its own${here}`;
}

/** What is wrong with files, and what to do. */
export function reason(found) {
  const [{ file, why, needed }] = found;
  if (!needed) return `${file} did not come (${why}). Check the connection, then reload the page.`;
  const wrong = found.filter((each) => each.needed);
  const sent = new Map(wrong.map(({ type }) => [type, []]));
  for (const each of wrong) sent.get(each.type).push(each.file);
  const types = wrong.map(({ file, needed }) => `.${file.split(".").pop()} files as ${needed}`);
  return `the host sends ${[...sent].map(([type, files]) =>
    `${files.join(", ")} ${type ? `as ${type}` : "without a content type"}`).join(" and ")}. ` +
    `Browsers run ${[...new Set(types)].join(" and ")} only. ` +
    "If this is your host, set these content types, then reload the page.";
}

/** Put a sentence into an element; what is between backquotes is code. */
export function appendText(element, text) {
  element.append(...text.split("`").map((part, i) => {
    if (i % 2 === 0) return part;
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  }));
}
