/* Marks in the page's contents the section that is being read. */
const links = [...document.querySelectorAll("#pst-page-toc-nav a[href^='#']")];
const entries = [...document.querySelectorAll("#pst-page-toc-nav .toc-entry")];
const headings = new Map();
let held = 0; // a section that was just chosen stays marked while the page scrolls to it

function mark(link) {
  for (const each of links) {
    each.classList.toggle("active", each === link);
    if (each === link) each.setAttribute("aria-current", "true");
    else each.removeAttribute("aria-current");
  }
  for (const entry of entries) entry.classList.toggle("active", entry.contains(link));
}

function chosen() {
  const link = links.find((each) => each.hash === location.hash);
  if (!link || !location.hash) return;
  held = performance.now() + 1000;
  mark(link);
}

const seen = new IntersectionObserver(
  (changes) => {
    const last = changes.filter((change) => change.isIntersecting).pop();
    if (last && performance.now() > held) mark(headings.get(last.target));
  },
  { rootMargin: "0px 0px -70% 0px" },
);

for (const link of links) {
  const section = document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (!section) continue;
  const heading = section.querySelector(":is(h2, h3, h4, h5, h6)") ?? section;
  headings.set(heading, link);
  seen.observe(heading);
}
addEventListener("hashchange", chosen);
chosen();

// A line under the header of the page as soon as it has left the top.
const top = document.querySelector(".sbt-scroll-pixel-helper");
if (top) {
  new IntersectionObserver(([{ boundingClientRect: box }]) => {
    document.body.classList.toggle("scrolled", box.y < 0);
  }).observe(top);
}
