"""What a page folds away, gathered at its end: hints, answers, tables of figures.

On paper nothing can be opened, and an answer right under its question is no question.
So each fold moves to the end of its page, and a line with a link takes its place. The
hints are in three groups, all first hints before any second one.
"""

from __future__ import annotations

from collections import Counter

from bs4 import BeautifulSoup, Tag

FACTORY = BeautifulSoup("", "html.parser")
LONG = 9  # rows from which a narrow table is set in columns
WIDE = 5  # columns from which it is not
WORDY = 16  # characters in a cell from which it is not
ORDINALS = {"1": "First", "2": "Second", "3": "Third"}


def make(name: str, *children: Tag | str, class_: str = "", **attributes: str) -> Tag:
    """Return an element; `class_` is its class, other names are as in HTML."""
    tag = FACTORY.new_tag(name, attrs=dict(attributes))
    if class_:
        tag["class"] = class_.split()
    tag.extend(children)
    return tag


def reference(words: str, target: str) -> Tag:
    """Return a link to a place of this page; paper adds the page's number."""
    return make("a", words, class_="mp-ref", href=f"#{target}")


class Notes:
    """The notes of one page, by the section that they go to."""

    def __init__(self) -> None:
        self.sections: dict[str, list[Tag]] = {}

    def add(self, section: str, note_id: str, head: list[Tag | str], body: Tag) -> None:
        """Take the children of `body` as a note under its own head line."""
        title = make("p", *head, class_="mp-note-head")
        body.name, body.attrs = "div", {"class": ["mp-note-body"]}
        kind = "mp-print-note mp-long" if is_long(body) else "mp-print-note"
        note = make("div", title, body, class_=kind, id=note_id)
        self.sections.setdefault(section, []).append(note)

    def write(self, into: Tag) -> None:
        """Append the sections that have notes: hints, answers, tables."""
        hints = [(n, f"{n} hints") for n in ORDINALS.values() if n in self.sections]
        if hints:
            section = heading("Hints", "hints")
            for name, title in hints:
                part = make("section", make("h3", title), id=f"hints-{name.lower()}")
                part.extend(self.sections[name])
                section.append(part)
            into.append(section)
        for name, title in (
            ("answers", "Answers"),
            ("tables", "The figures as tables"),
        ):
            if name in self.sections:
                section = heading(title, name)
                section.extend(self.sections[name])
                into.append(section)


def is_long(body: Tag) -> bool:
    """Whether a note is a long table of few columns."""
    rows = body.select("tbody tr")
    columns = len(rows[0].find_all(["td", "th"])) if rows else 0
    words = max((len(cell.get_text()) for cell in body.select("td")), default=0)
    return len(rows) >= LONG and columns < WIDE and words < WORDY


def heading(title: str, name: str) -> Tag:
    """Return an empty section of notes with its title."""
    return make(
        "section", make("h2", title), class_=f"mp-notes mp-{name}", id=f"notes-{name}"
    )


def gather(article: Tag) -> None:
    """Move what is folded in an article to notes at its end."""
    notes = Notes()
    ask(article, notes)
    challenge(article, notes)
    tabulate(article, notes)
    for fold in article.find_all("details"):
        unfold(fold)
    section = article.find("section", recursive=False)
    notes.write(section if isinstance(section, Tag) else article)


def ask(article: Tag, notes: Notes) -> None:
    """Number the questions, and move their answers."""
    counted: Counter[str] = Counter()
    for question in article.select(".mp-question[id]"):
        kind = "Prediction" if question.get("data-kind") == "predict" else "Question"
        counted[kind] += 1
        name = f"{kind} {counted[kind]}"
        label = question.select_one(".mp-label")
        if label is not None:
            prompt = label.get_text().strip()
            label.string = name if kind == "Prediction" else f"{name}: {prompt}"
        for fold in question.select("details.mp-answer"):
            drop_summary(fold)
            note_id = f"answer-{question['id']}"
            line = make("p", reference("Answer", note_id), class_="mp-refs")
            fold.replace_with(line)
            notes.add("answers", note_id, [reference(name, str(question["id"]))], fold)


def challenge(article: Tag, notes: Notes) -> None:
    """Move the hints and the solution of each exercise."""
    for card in article.select(".mp-exercise[id]"):
        line = make("p", class_="mp-refs")
        number = str(card.get("data-exercise", "")).strip()
        title = card.select_one(".mp-exercise-title")
        words = title.get_text().strip() if title else ""
        for fold in card.select("details.mp-hint, details.mp-solution"):
            hint = str(fold.get("data-hint", ""))
            summary = drop_summary(fold)
            note_id = f"note-{card['id']}-{hint or 'solution'}"
            line.extend([reference(summary.replace(" of 3", ""), note_id), " "])
            back = reference(f"Exercise {number}", str(card["id"]))
            section = ORDINALS.get(hint, "answers")
            fold.extract()
            notes.add(section, note_id, [back, f" {words}"], fold)
        if line.contents:
            card.append(line)


def tabulate(article: Tag, notes: Notes) -> None:
    """Move the tables that say what figures show."""
    for number, table in enumerate(article.select("details.mp-text-table"), start=1):
        figure = table.find_parent("figure") or table.find_parent("div")
        if figure is None:
            continue
        title = figure.select_one(".mp-title, figcaption")
        words = title.get_text().strip() if title else f"Figure {number}"
        figure["id"] = figure.get("id") or f"figure-{number}"
        reported = figure.select_one(".mp-refs") is not None
        summary = drop_summary(table)
        label = summary if reported else "As a table"
        for scroll in table.select(".mp-scroll"):
            scroll.unwrap()
        table.extract()
        note_id = f"table-{number}"
        figure.append(make("p", reference(label, note_id), class_="mp-refs"))
        more = [f" {summary}"] if reported else []
        head = [reference(words, str(figure["id"])), *more]
        notes.add("tables", note_id, head, table)


def drop_summary(fold: Tag) -> str:
    """Take the summary off a fold and return its words."""
    summary = fold.find("summary")
    if not isinstance(summary, Tag):
        return ""
    words = summary.get_text().strip()
    summary.decompose()
    return words


def unfold(fold: Tag) -> None:
    """Open any other fold where it stands, under its summary."""
    words = drop_summary(fold)
    fold.name = "div"
    fold.attrs = {"class": ["mp-unfolded"]}
    if words:
        fold.insert(0, make("p", words, class_="mp-label"))
