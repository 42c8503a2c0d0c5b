"""The directives `predict`, `quiz`, `question` and `why`: ask, answer behind a fold.

A question's options are a list; each item's first paragraph is the option, the rest of
the item explains it. A page reads without scripts: the answer is in a `<details>`. For
scripts, each question carries `data-question` (its id), `data-form` and its answer:

    form     the list                              the answer
    one      bulleted, one item marked [x]         data-answer="b"
    several  bulleted, any number marked [x]       data-answer="a c"
    order    numbered, in the right order          data-answer="c a b", the letters
                                                   shown, in the right order
    number   none; :answer:, :tolerance:, :unit:   data-answer, -tolerance, -unit
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from string import ascii_lowercase
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from .markup import element, make, text

logger = logging.getLogger(__name__)

FORMS = ("one", "several", "order", "number")
MARK = re.compile(r"^\[(?P<mark>[ xX])\]\s*")
PREDICTED = "mp-predicted"
QUESTION_ID = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")

PROMPTS = {
    "one": "Choose one",
    "several": "Choose all that hold",
    "order": "Put these in order",
    "number": "Give a number",
}


@dataclass
class Option:
    """One option of a question: what it says, why it is right or wrong."""

    label: list[nodes.Node]
    reason: list[nodes.Node] = field(default_factory=list)
    marked: bool | None = None
    letter: str = ""


class explanation(nodes.General, nodes.Element):
    """What `why` holds, until its question moves it behind the fold."""


def question_form(argument: str) -> str:
    """Return the form of a question, or raise ValueError naming the forms there are."""
    return directives.choice(argument, FORMS)


class Why(SphinxDirective):
    """The explanation that follows a question's answer, whatever was chosen."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the explanation; the question around it takes it in."""
        self.assert_has_content()
        node = explanation()
        self.set_source_info(node)
        self.state.nested_parse(self.content, self.content_offset, node)
        return [node]


class Question(SphinxDirective):
    """One question, with its options, its answer and an explanation per option."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict[str, Callable[[str], Any]] | None] = {
        "form": question_form,
        "answer": directives.unchanged_required,
        "tolerance": directives.unchanged_required,
        "unit": directives.unchanged_required,
        "covers": directives.positive_int,
    }
    kind = "question"
    fold = "Show the answer"

    def run(self) -> list[nodes.Node]:
        """Return the question as one section of the page."""
        name = self.check_id()
        body = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, body)
        whys = [child for child in body.children if isinstance(child, explanation)]
        for why in whys:
            body.remove(why)
        if self.form == "number":
            return [self.numeric(name, body.children, whys)]
        options = self.take_options(body, name)
        self.check_marks(options, name)
        return [self.with_options(name, body.children, options, whys)]

    @property
    def form(self) -> str:
        """The form of the question; `one` by default."""
        return str(self.options.get("form", "one"))

    def check_id(self) -> str:
        """Return the question's id, and refuse one that is malformed or in use."""
        name = str(self.arguments[0])
        if not QUESTION_ID.match(name):
            raise self.error(
                f"{self.kind} {name!r}: an id has lower-case letters, digits and "
                "single hyphens, for example lost-reply."
            )
        if f"{self.kind}-{name}" in self.state.document.ids:
            raise self.error(
                f"{self.kind} {name!r} is on this page already: give each its own id."
            )
        if not self.content:
            raise self.error(f"{self.kind} {name!r} is empty: write the question.")
        return name

    def take_options(self, body: nodes.Element, name: str) -> list[Option]:
        """Take the list of options out of the body and return what it holds."""
        wanted = nodes.enumerated_list if self.form == "order" else nodes.bullet_list
        lists = [child for child in body.children if isinstance(child, wanted)]
        kind = "numbered list, in the right order" if self.form == "order" else "list"
        if not lists or len(lists[-1].children) < 2:
            raise self.error(
                f"{self.kind} {name!r} has no options: end it with a {kind} of "
                "two or more."
            )
        body.remove(lists[-1])
        options = [self.read_option(item, name) for item in lists[-1].children]
        return self.lettered(options, name)

    def read_option(self, item: nodes.Node, name: str) -> Option:
        """Return one option; its mark is taken off its text."""
        if not item.children or not isinstance(item.children[0], nodes.paragraph):
            raise self.error(
                f"{self.kind} {name!r}: each option starts with a line of text."
            )
        first, *reason = item.children
        label = list(first.children)
        if self.form == "order":
            return Option(label, list(reason))
        found = MARK.match(label[0].astext()) if label else None
        if found is None or not isinstance(label[0], nodes.Text):
            raise self.error(
                f"{self.kind} {name!r}: the option {first.astext()!r} has no mark. "
                "Start it with [x] if it is right and with [ ] if it is not."
            )
        label[0] = text(label[0].astext()[found.end() :])
        return Option(label, list(reason), marked=found["mark"] != " ")

    def lettered(self, options: list[Option], name: str) -> list[Option]:
        """Give each option its letter; what is to be ordered is shuffled.

        The order shown is the same at each build, and never the right one.
        """
        if self.form != "order":
            for option, letter in zip(options, ascii_lowercase, strict=False):
                option.letter = letter
            return options
        places = list(range(len(options)))
        shuffle = Random(f"{self.env.docname}/{name}").shuffle
        while places == sorted(places):
            shuffle(places)
        for letter, place in zip(ascii_lowercase, places, strict=False):
            options[place].letter = letter
        return options

    def check_marks(self, options: list[Option], name: str) -> None:
        """Refuse a question that has no answer, or more than its form allows."""
        marked = sum(option.marked is True for option in options)
        if self.form in ("one", "several") and marked == 0:
            raise self.error(
                f"{self.kind} {name!r}: no option is marked as right. Put [x] "
                "before it."
            )
        if self.form == "one" and marked > 1:
            raise self.error(
                f"{self.kind} {name!r}: {marked} options are marked [x]. Leave one, or "
                "add ':form: several'."
            )

    def group(
        self,
        name: str,
        stem: list[nodes.Node],
        *parts: nodes.Node,
        **data: str | None,
    ) -> nodes.Node:
        """Return the element around a question, with what a script needs to know."""
        # A group, not a section: a page with a landmark per question has no landmarks.
        group = make(
            "div",
            class_="mp-question",
            role="group",
            aria_labelledby=f"{self.kind}-{name}-stem",
            data_kind=self.kind,
            data_question=name,
            data_form=self.form,
            **data,
        )
        group["ids"] = [f"{self.kind}-{name}"]
        group["covers"] = self.options.get("covers", 0)
        self.state.document.ids[f"{self.kind}-{name}"] = group
        group += make("p", text(self.label), class_="mp-label")
        group += make("div", *stem, class_="mp-stem", id=f"{self.kind}-{name}-stem")
        group += list(parts)
        return group

    @property
    def label(self) -> str:
        """The line above the question."""
        return PROMPTS[self.form]

    def with_options(
        self,
        name: str,
        stem: list[nodes.Node],
        options: list[Option],
        whys: list[explanation],
    ) -> nodes.Node:
        """Return a question whose answer is among its options."""
        if self.form == "order":
            answer = " ".join(option.letter for option in options)
        else:
            answer = " ".join(option.letter for option in options if option.marked)
        shown = sorted(options, key=lambda option: option.letter)
        choices = make("ol", class_="mp-options", type="A")
        for option in shown:
            label = make("span", *clones(option.label), class_="mp-option")
            choices += make("li", label, data_option=option.letter)
        return self.group(
            name,
            stem,
            choices,
            self.answer_fold(options, whys),
            data_answer=answer,
        )

    def answer_fold(self, options: list[Option], whys: list[explanation]) -> element:
        """Return the fold with the answer and what each option shows."""
        fold = make("details", class_="mp-fold mp-answer")
        fold += make("summary", text(self.fold))
        ordered = self.form == "order"
        reasons = make("ol" if ordered else "ul", class_="mp-reasons")
        for option in options:
            reasons += self.reason(option)
        fold += reasons
        for why in whys:
            fold += why.children
        return fold

    def reason(self, option: Option) -> element:
        """Return one option again, with its verdict and what it shows."""
        head = make("p", class_="mp-reason-head")
        head += make("span", text(option.letter.upper()), class_="mp-letter")
        head += text(" ")
        if option.marked is not None:
            verdict = "Right" if option.marked else "No"
            head += make("strong", text(f"{verdict}: "), class_="mp-verdict")
        head += clones(option.label)
        held = {None: "order", True: "right", False: "wrong"}[option.marked]
        return make(
            "li", head, *option.reason, data_option=option.letter, data_verdict=held
        )

    def numeric(
        self, name: str, stem: list[nodes.Node], whys: list[explanation]
    ) -> nodes.Node:
        """Return a question whose answer is a number."""
        answer = self.number("answer", name)
        tolerance = self.number("tolerance", name, missing="0")
        unit = str(self.options.get("unit", ""))
        wording = f"{answer} {unit}".strip()
        if float(tolerance):
            wording += f", give or take {tolerance} {unit}".rstrip()
        fold = make("details", class_="mp-fold mp-answer")
        fold += make("summary", text(self.fold))
        fold += make("p", make("strong", text(wording)), text("."))
        for why in whys:
            fold += why.children
        return self.group(
            name,
            stem,
            fold,
            data_answer=answer,
            data_tolerance=tolerance,
            data_unit=unit or None,
        )

    def number(self, option: str, name: str, missing: str | None = None) -> str:
        """Return an option that must be a number, as it was written."""
        written = self.options.get(option, missing)
        if written is None:
            raise self.error(
                f"{self.kind} {name!r} asks for a number: add ':answer:' with it."
            )
        try:
            value = float(written)
        except ValueError:
            raise self.error(
                f"{self.kind} {name!r}: ':{option}: {written}' is not a number."
            ) from None
        if option == "tolerance" and value < 0:
            raise self.error(f"{self.kind} {name!r}: a tolerance is not negative.")
        return str(written)


class Predict(Question):
    """A question to answer before the output that answers it shows."""

    kind = "predict"
    fold = "Choose an answer, then open this"
    label = "Predict"


class Quiz(SphinxDirective):
    """A group of questions under one heading."""

    required_arguments = 1
    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the group; its first argument is its id, the second its title."""
        name, title = self.arguments[0], " ".join(self.arguments[1:])
        if not QUESTION_ID.match(name):
            raise self.error(
                f"quiz {name!r}: the first word is its id, in lower-case letters, "
                "digits and hyphens; its title follows."
            )
        body = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, body)
        questions = [
            child
            for child in body.findall(element)
            if child["html"].get("data-kind") == "question"
        ]
        if not questions:
            raise self.error(
                f"quiz {name!r} has no question: write {{question}} in it."
            )
        if not title and isinstance(body.children[0], nodes.paragraph):
            # The title may also be on its own line.
            heading = list(body.children[0].children)
            body.remove(body.children[0])
        else:
            heading = [text(title or "Check yourself")]
        label_id = f"quiz-{name}-label"
        section = make(
            "section",
            make(
                "p",
                *heading,
                class_="mp-quiz-title",
                id=label_id,
            ),
            *body.children,
            class_="mp-quiz",
            aria_labelledby=label_id,
            data_kind="quiz",
            data_quiz=name,
        )
        section["ids"] = [f"quiz-{name}"]
        return [section]


def clones(children: list[nodes.Node]) -> list[nodes.Node]:
    """Return copies of nodes, since a node may be in only one place of a tree."""
    return [child.deepcopy() for child in children]


def refuse_stray_explanations(app: Sphinx, document: nodes.document) -> None:
    """Warn about a `why` outside a question, and leave it out."""
    for stray in list(document.findall(explanation)):
        logger.warning(
            "a {why} stands in no {question} or {predict}: move it into one.",
            location=stray,
        )
        stray.parent.remove(stray)


def mark_predicted(app: Sphinx, document: nodes.document) -> None:
    """Put what answers a prediction, each piece in a place of its own.

    That is as many outputs after it as `:covers:` says (one unless it says more), with
    the paragraphs after them that tell a number of the run: up to the cell that comes
    next, the next heading or the next prediction. The style sheet covers such a place,
    where scripts run; scripts uncover it.
    """
    for question in document.findall(element):
        if question["html"].get("data-kind") != "predict":
            continue
        outputs = int(question["covers"]) or 1
        siblings = question.parent.children
        for node in list(siblings[siblings.index(question) + 1 :]):
            if isinstance(node, nodes.section | nodes.title) or is_predict(node):
                break
            if "cell" in node.get("classes", ()) and not outputs:
                break
            for piece in list(node.findall(is_result)):
                outputs -= isinstance(piece, nodes.container)
                wrap(piece, PREDICTED)
        if outputs and question["covers"]:
            logger.warning(
                "the prediction %r covers %d outputs more than follow it.",
                question["html"]["data-question"],
                outputs,
                location=question,
            )


def is_result(node: nodes.Node) -> bool:
    """Return whether a node is a cell's output, or a paragraph with a number of it."""
    if isinstance(node, nodes.paragraph):
        glued = node.findall(nodes.inline)
        return any("pasted-text" in inline["classes"] for inline in glued)
    return isinstance(node, nodes.container) and "cell_output" in node["classes"]


def wrap(node: nodes.Element, name: str) -> None:
    """Put a container of a class around a node, in its place."""
    parent = node.parent
    place = parent.index(node)
    parent.remove(node)
    parent.insert(place, nodes.container("", node, classes=[name]))


def is_predict(node: nodes.Node) -> bool:
    """Return whether a node is a prediction."""
    return isinstance(node, element) and node["html"].get("data-kind") == "predict"


def setup(app: Sphinx) -> None:
    """Register the directives."""
    app.add_directive("predict", Predict)
    app.add_directive("quiz", Quiz)
    app.add_directive("question", Question)
    app.add_directive("why", Why)
    app.connect("doctree-read", refuse_stray_explanations)
    app.connect("doctree-read", mark_predicted)
