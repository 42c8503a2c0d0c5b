// An element that is wider than the screen scrolls inside itself, by keyboard too.
const SCROLLS = "pre, .cell_output > .output, .pst-scrollable-table-container, div.math";

function reach(element) {
  const { clientWidth, clientHeight, scrollWidth, scrollHeight } = element;
  const hidden = scrollWidth > clientWidth || scrollHeight > clientHeight;
  const within = element.querySelector("a[href], button, input, summary, [tabindex='0']");
  if (hidden && !within && !element.hasAttribute("tabindex")) {
    element.tabIndex = 0;
    element.dataset.scrolls = "";
  } else if (!hidden && "scrolls" in element.dataset && element !== document.activeElement) {
    element.removeAttribute("tabindex");
    delete element.dataset.scrolls;
  }
}

const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) reach(target);
});
for (const element of document.querySelectorAll(SCROLLS)) sizes.observe(element);
