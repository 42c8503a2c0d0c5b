
const STYLE = `
  .mp-host { position: fixed; inset: auto 0 1rem; z-index: 10000; box-sizing: border-box; width: fit-content; max-width: min(44rem, calc(100% - 2rem)); margin: auto; padding: 0.9rem 1.1rem; border: 2px solid #d55e00; border-radius: 4px; background: #fcfcfa; color: #22262e; font: 16px/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
  .mp-host p { margin: 0 0 0.7rem; }
  .mp-host button { min-height: 2.2rem; padding: 0.2rem 0.9rem; border: 1.5px solid currentcolor; border-radius: 4px; background: none; color: inherit; font: inherit; font-weight: 600; cursor: pointer; }
  @media (prefers-color-scheme: dark) { .mp-host { background: #161a21; color: #e8eaed; } }
`;

/** Say on the page what the host does not send as it should; paths are below `lite/`. */
async function watch(paths) {
  const addresses = paths.map((path) => new URL(`../${path}`, document.baseURI).href);
  const found = cutOff() ? [] : await faults(addresses);
  const why = cutOff() || (found.length && reason(found));
  if (!why) return;
  const style = document.createElement("style");
  style.textContent = STYLE;
  const card = document.createElement("div");
  card.className = "mp-host";
  card.role = "alert";
  const text = document.createElement("p");
  appendText(text, `Python cannot start in this lab: ${why}`);
  const close = document.createElement("button");
  close.textContent = "Close";
  close.onclick = () => card.remove();
  card.append(text, close);
  document.head.append(style);
  document.body.append(card);
}

