/* The two sidebars: beside the text on a wide screen, in a dialog on a narrow one. */
const WIDE = matchMedia("(min-width: 992px)");
const PLACE = "sidebar-scroll-top";

/** Move all that one element holds, and its look, into another. */
function move(from, to) {
  to.append(...from.childNodes);
  to.classList.add(...from.classList);
  from.removeAttribute("class");
}

function inDialog(which) {
  const button = document.querySelector(`.${which}-toggle`);
  const sidebar = document.getElementById(`pst-${which}-sidebar`);
  const dialog = document.getElementById(`pst-${which}-sidebar-modal`);
  if (!button || !sidebar || !dialog) return;
  dialog.setAttribute("aria-label", button.getAttribute("aria-label"));
  button.addEventListener("click", () => {
    if (which === "primary" && WIDE.matches) {
      sidebar.classList.toggle("pst-sidebar-hidden");
      return;
    }
    sidebar.classList.remove("pst-sidebar-hidden");
    move(sidebar, dialog);
    dialog.showModal();
  });
  dialog.addEventListener("click", (event) => {
    // The backdrop is the dialog itself; a link into this page leads out of the dialog.
    const link = event.target.closest("a[href]");
    const here = link && link.pathname === location.pathname && link.hash;
    if (event.target === dialog || here) dialog.close();
  });
  dialog.addEventListener("close", () => {
    move(dialog, sidebar);
    if (!location.hash || document.activeElement === document.body) button.focus();
  });
}

/** Scroll the list of pages to where it was, or to the current page. */
function rememberScroll(sidebar) {
  if (!sidebar) return;
  const saved = Number.parseInt(sessionStorage.getItem(PLACE) ?? "", 10);
  const current = [...sidebar.querySelectorAll(".active > a")].at(-1);
  if (saved >= 0) {
    sidebar.scrollTop = saved;
  } else if (current?.offsetTop > sidebar.clientHeight / 2) {
    sidebar.scrollTop = current.offsetTop - sidebar.clientHeight / 4;
  }
  addEventListener("pagehide", () => sessionStorage.setItem(PLACE, sidebar.scrollTop));
}

inDialog("primary");
inDialog("secondary");
rememberScroll(document.getElementById("pst-primary-sidebar"));
