"""The two doors of a lab: *Run in your browser* and *Run locally*.

They are under the title of each lab page and in each exercise card. The first is a
link to JupyterLite on the same site (tools/browser/lite.py), the second a fold with
the two commands. Both work without JavaScript; book/_js/lab.js adds a third to a lab
page, which restores the original. Formats other than the site have no doors.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.osutil import relative_uri
from sphinx.writers.html5 import HTML5Translator

from .markup import make, text

FOLDER = "labs/"
SCRIPT = "vendor/js/lab.js"
IN_BROWSER = "Run in your browser"
LOCALLY = "Run locally"


class lab_doors(nodes.General, nodes.Element):
    """The doors of the lab `lab`: a container that only the site shows."""


class lite_link(nodes.General, nodes.TextElement):
    """A link to the lab `lab` in JupyterLite, which knows no place within it."""


def doors(lab: str, clone: str) -> lab_doors:
    """Return the doors of a lab; `clone` is the repository's address."""
    link = lite_link("", "", text(IN_BROWSER), lab=lab)
    return lab_doors("", link, local(lab, clone), lab=lab)


def local(lab: str, clone: str) -> nodes.Element:
    """Return the fold with the commands that run the lab on the reader's machine."""
    folder = clone.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")
    commands = f"git clone {clone} && cd {folder}\nmake serve"
    code = nodes.literal_block(commands, commands, language="sh")
    then = nodes.paragraph(
        "",
        "",
        text("The second prints the address of JupyterLab; open "),
        nodes.literal("", f"{lab}.ipynb"),
        text(" there. To start over, restore the file: "),
        nodes.literal("", f"git checkout {FOLDER}{lab}.ipynb"),
        text("."),
    )
    return make(
        "details",
        make("summary", text(LOCALLY)),
        code,
        then,
        class_="mp-fold mp-locally",
    )


def repository(app: Sphinx) -> str:
    """Return the address that a reader clones, from book/_config.yml."""
    return str(app.config.html_theme_options.get("repository_url", ""))


def put_under_title(app: Sphinx, doctree: nodes.document) -> None:
    """Put the doors under the title of a lab page."""
    docname = app.env.docname
    if not docname.startswith(FOLDER):
        return
    for title in doctree.findall(nodes.title):
        section = title.parent
        lab = docname.removeprefix(FOLDER)
        section.insert(section.index(title) + 1, doors(lab, repository(app)))
        return


def load_script(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: object,
) -> None:
    """Load the third door's script on lab pages alone."""
    if pagename.startswith(FOLDER):
        app.add_js_file(SCRIPT, type="module", priority=700)


def _visit_doors(translator: HTML5Translator, node: lab_doors) -> None:
    if translator.builder.name != "dirhtml":
        raise nodes.SkipNode
    translator.body.append(translator.starttag(node, "div", CLASS="mp-lab-links"))


def _depart_doors(translator: HTML5Translator, node: lab_doors) -> None:
    translator.body.append("</div>\n")


def _visit_link(translator: HTML5Translator, node: lite_link) -> None:
    here = translator.builder.get_target_uri(translator.builder.current_docname)
    to = f"lite/notebooks/index.html?path={node['lab']}.ipynb"
    address = relative_uri(here, to)
    attributes = {"CLASS": "mp-button mp-commit", "href": address}
    translator.body.append(translator.starttag(node, "a", "", **attributes))


def _depart_link(translator: HTML5Translator, node: lite_link) -> None:
    translator.body.append("</a>\n")


def _skip(translator: object, node: nodes.Element) -> None:
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register the nodes, and connect to the build."""
    others = dict.fromkeys(("latex", "text", "man", "texinfo"), (_skip, None))
    app.add_node(lab_doors, html=(_visit_doors, _depart_doors), **others)
    app.add_node(lite_link, html=(_visit_link, _depart_link), **others)
    app.connect("doctree-read", put_under_title)
    app.connect("html-page-context", load_script)
