"""Sequence diagrams: true to time, complete, legible, safe, the same every time."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movingparts.core.recording import Message, Moment, Recorder, Recording, Span
from movingparts.draw import Figure, sequence, topology
from movingparts.draw.excerpt import excerpt
from movingparts.draw.ink import LINE, alone, duration, width
from movingparts.draw.layout import LONGEST, NARROW, WIDEST, arranged
from tests.draw.recordings import HOSTILE, calls, fan_out, hostile, ride, traffic

GOLDEN = Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"


def texts(figure: Figure) -> list[ET.Element]:
    return list(ET.fromstring(figure.svg).iter(f"{SVG}text"))


def words(figure: Figure) -> str:
    return "\n".join("".join(text.itertext()) for text in texts(figure))


def boxes(figure: Figure) -> list[tuple[float, float, float, float, str]]:
    """Return each line of text with the box that it is estimated to take."""
    found = []
    for text in texts(figure):
        output = "".join(text.itertext())
        # The estimate errs to the wide side by 6 %; touching is not overlapping.
        wide = width(output, bold="bold" in text.get("class", "")) * 0.94
        x, y = float(text.get("x", "0")), float(text.get("y", "0"))
        x -= {"middle": wide / 2, "end": wide}.get(text.get("text-anchor", ""), 0)
        found.append((x, y - 12, x + wide, y + 3, output))
    return found


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    found = boxes(figure)
    return [
        (one[4], other[4])
        for i, one in enumerate(found)
        for other in found[i + 1 :]
        if one[0] < other[2]
        and other[0] < one[2]
        and one[1] < other[3]
        and other[1] < one[3]
    ]


FIGURES = {
    "ride": lambda: sequence(ride()),
    "calls": lambda: sequence(calls()),
    "fan out": lambda: sequence(fan_out()),
    "traffic": lambda: sequence(traffic(), limit=60),
    "empty": lambda: sequence(Recording(world="simulated")),
    "map of a ride": lambda: topology(ride()),
    "map of calls": lambda: topology(calls()),
    "map of a small fan-out": lambda: topology(fan_out(5)),
    "map of a large fan-out": lambda: topology(fan_out(12)),
    "map of nothing": lambda: topology(Recording(world="simulated")),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_xml_that_says_what_it_shows(name: str) -> None:
    """The SVG parses, has a role, and names its title and description by id."""
    figure = FIGURES[name]()
    root = ET.fromstring(figure.svg)
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert desc is not None
    named = [title.get("id"), desc.get("id")]
    assert "img" == root.get("role")
    assert named == root.get("aria-labelledby", "").split()
    assert figure.title == title.text
    assert figure.description == desc.text


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_fits_the_column(name: str) -> None:
    """No figure is wider than 700 px, and all of its text stands inside it."""
    figure = FIGURES[name]()
    _, _, wide, high = map(int, ET.fromstring(figure.svg).get("viewBox", "").split())
    assert wide <= 700
    outside = [
        box for box in boxes(figure) if box[0] < 0 or box[2] > wide or box[3] > high
    ]
    assert [] == outside


@pytest.mark.parametrize("name", FIGURES)
def test_no_two_texts_overlap(name: str) -> None:
    """Labels, times and names keep clear of each other."""
    assert [] == overlaps(FIGURES[name]())


def two_calls() -> Recording:
    """An answer arrives, and the next call leaves at the same moment."""
    to = Recorder("simulated", 1, "")
    for n, (kind, source, target) in enumerate(
        [("request", "docks", "bikes"), ("reply", "bikes", "docks")] * 2
    ):
        to.message(
            kind, source, target, label="PUT /bikes/212", sent_us=n * 1_000,
            arrived_us=(n + 1) * 1_000, fate="delivered",
        )  # fmt: skip
    return to.recording(4_000)


@pytest.mark.parametrize(
    ("recording", "widest"),
    [(ride(), WIDEST), (two_calls(), WIDEST), (two_calls(), NARROW)],
)
def test_no_label_lies_on_an_arrow(recording: Recording, widest: int) -> None:
    """Each belongs visibly to its own, above which it stands."""
    layout = arranged(excerpt(recording), widest)
    arrows = [layout.ends(message) for message in layout.part.messages]
    struck = [
        label.text
        for label in layout.labels
        if any(label.on(arrow) for arrow in arrows)
    ]
    assert [] == struck


def test_a_note_stands_below_an_arrow_that_comes_in_beside_it() -> None:
    """Where the other side of the lifeline has no room."""
    recording = two_calls()
    recording.messages = recording.messages[:2]
    recording.moments = [Moment(2_000, "note", ("docks",), "gets B7")]
    layout = arranged(excerpt(recording))
    [label] = [each for each in layout.labels if each.text == "gets B7"]
    assert label.y - layout.y(2_000) >= LINE
    assert not label.on(layout.ends(recording.messages[1]))


def test_a_call_that_leaves_as_an_answer_arrives_starts_a_line_lower() -> None:
    layout = arranged(excerpt(two_calls()))
    second = layout.part.messages[2]
    assert layout.y(second.sent_us) + LINE == layout.ends(second)[1]


@pytest.mark.parametrize("widest", [WIDEST, NARROW])
def test_an_answer_that_leaves_at_a_mark_lies_on_nobodys_words(widest: int) -> None:
    to = Recorder("simulated", 1, "")
    to.message(
        "request", "docks", "rides", label="POST /rides", sent_us=0, arrived_us=1_000,
        fate="delivered",
    )  # fmt: skip
    to.message(
        "reply", "rides", "docks", label="POST /rides", sent_us=90_000,
        arrived_us=91_000, fate="late", status=201,
    )  # fmt: skip
    recording = to.recording(100_000)
    recording.moments = [Moment(90_000, "note", ("rides",), "charge 1 written")]
    layout = arranged(excerpt(recording), widest)
    answer = layout.ends(layout.part.messages[1])
    assert [] == [label.text for label in layout.labels if label.on(answer)]


def test_beside_a_crash_stands_what_happened_and_not_again_to_whom() -> None:
    recording = two_calls()
    recording.moments = [Moment(2_000, "crash", ("docks",), "docks crashes")]
    assert "crashes" in words(sequence(recording)).splitlines()


@pytest.mark.parametrize("name", ["ride", "calls", "fan out", "traffic"])
def test_on_a_phone_type_is_eleven_pixels_at_least(name: str) -> None:
    """There a figure has 328 px, and is drawn for them or smaller than they are."""
    figure = FIGURES[name]()
    found = figure.narrow or figure.svg
    wide = int(ET.fromstring(found).get("viewBox", "").split()[2])
    assert 15 * 328 / wide >= 11


def test_who_calls_and_never_serves_is_drawn_as_a_person() -> None:
    to = Recorder("simulated", 1, "")
    for source in ("ada", "dock"):
        to.message(
            "request", source, "rides", label="x", sent_us=0, arrived_us=1_000,
            fate="delivered",
        )  # fmt: skip
    kinds = excerpt(to.recording(2_000)).kinds
    assert {"ada": "person", "dock": "caller", "rides": "service"} == kinds
    assert 1 == sequence(to.recording(2_000)).svg.count('r="4"')


TIMES = st.integers(0, 20_000)


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    names = ["rider", "rides", "pricing", "a-service-with-a-long-name"]
    to = Recorder("simulated", 1, "")
    for _ in range(draw(st.integers(1, 14))):
        source, target = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        sent = draw(TIMES) * draw(st.sampled_from((1, 1, 1, 1_000)))
        fate = draw(st.sampled_from(("delivered", "lost", "late", "blocked")))
        arrived = sent + draw(TIMES) if fate in ("delivered", "late") else None
        label = draw(st.sampled_from(("GET /quote", "POST /charges/of/the/month", "x")))
        kind = draw(st.sampled_from(("request", "reply", "event")))
        to.message(
            kind,
            source,
            target,
            label=label,
            sent_us=sent,
            arrived_us=arrived,
            fate=fate,
        )
    for _ in range(draw(st.integers(0, 3))):
        to.moment(draw(TIMES), "crash", [draw(st.sampled_from(names))], "it is gone")
    return to.recording(50_000_000)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(recordings())
def test_no_two_labels_overlap_whatever_happened(recording: Recording) -> None:
    """Random messages, crossing and at once, still give labels apart."""
    assert [] == overlaps(sequence(recording))


@settings(max_examples=40, deadline=None)
@given(recordings())
def test_later_is_lower(recording: Recording) -> None:
    """Time runs down: an arrow's ends are in the order of their times."""
    layout = arranged(excerpt(recording))
    times = sorted(
        {m.sent_us for m in recording.messages}
        | {layout.part.ends(m) for m in recording.messages}
    )
    ys = [layout.y(at) for at in times]
    assert sorted(set(ys)) == ys


def test_equal_times_are_equally_far_apart() -> None:
    """Outside of breaks and crowded places the axis has one scale."""
    layout = arranged(excerpt(calls(1, lost_reply=None)))
    there, back = layout.y(900) - layout.y(0), layout.y(2_300) - layout.y(1_200)
    assert (round(46 * 900 / 1_100), 46) == (there, back)


def test_arrows_start_and_end_at_their_times() -> None:
    """An arrow runs from its source when sent to its target when it arrived."""
    layout = arranged(excerpt(calls()))
    first = layout.part.messages[0]
    expected = (
        layout.columns["rides"],
        layout.y(0),
        layout.columns["pricing"],
        layout.y(900),
    )
    assert expected == layout.ends(first)
    assert f'd="M{expected[0] + 5} {expected[1]}L{expected[2] - 5} {expected[3]}"' in (
        sequence(calls()).svg
    )


def test_a_long_wait_is_cut_out_with_a_mark() -> None:
    """Five seconds beside hops of a millisecond take no more room, and say so."""
    layout = arranged(excerpt(ride()))
    assert ["5.00 s later"] == [text for _, _, text in layout.breaks]
    assert layout.y(5_003_300) - layout.y(5_300) <= LONGEST + 40
    assert "5.00 s later" in words(sequence(ride()))


def test_every_message_and_moment_is_in_the_figure_and_in_its_table() -> None:
    """Nothing that happened is missing from the drawing or from its table."""
    recording = ride()
    figure = sequence(recording)
    rows = figure.table.rows
    assert len(recording.messages) + len(recording.moments) == len(rows)
    for message in recording.messages:
        label = str(message.status) if message.kind == "reply" else message.label
        assert label in words(figure)
        assert any(
            (message.source, message.target) == row[2:4] and message.label in row[4]
            for row in rows
        )
    for moment in recording.moments:
        assert moment.text in words(figure)


@pytest.mark.parametrize(
    ("output", "shape"),
    [
        ("✕ lost", 'class="cross"'),
        ("✕ blocked", 'class="wall"'),
        ("✕ refused", 'class="head request off"'),
        ("✕ too late", 'class="head request off"'),
        ("… under way", 'class="open bg"'),
        ("↻ copy", 'class="head event copy"'),
        ("▲ RideEnded", 'class="arrow event"'),
        ("✕ read timeout", 'class="work"'),
        ("crash: memory and tasks gone", 'class="life down"'),
    ],
)
def test_what_became_of_a_message_shows_in_words_and_shape(
    output: str, shape: str
) -> None:
    """No fate is shown by color alone."""
    figure = sequence(ride())
    assert output in words(figure)
    assert shape in figure.svg


def test_messages_that_leave_together_are_labeled_once() -> None:
    """A fan-out says its label once, and how many went."""
    assert 1 == words(sequence(fan_out())).count("GET /docks")
    assert "GET /docks \u00d78" in words(sequence(fan_out()))


def test_what_is_left_out_is_reported() -> None:
    """Beyond the limit messages are counted in the figure, never silently dropped."""
    figure = sequence(traffic(100), limit=60)
    assert "40 more messages are not drawn." in words(figure)
    assert 60 == figure.svg.count('class="arrow ')
    assert "40 more rows are not listed." in figure.html()
    assert "40 later ones are left out." in figure.description


@pytest.mark.parametrize("draw", [sequence, topology])
def test_hostile_names_and_labels_stay_text(draw: object) -> None:
    """Markup in a name is text in the figure, and what XML forbids is replaced."""
    figure = draw(hostile())  # type: ignore[operator] - one of two functions
    root = ET.fromstring(figure.svg)
    allowed = [
        "svg",
        "title",
        "desc",
        "style",
        "rect",
        "g",
        "text",
        "tspan",
        "path",
        "circle",
    ]
    assert set() == {element.tag.removeprefix(SVG) for element in root.iter()} - {
        *allowed
    }
    assert not [name for e in root.iter() for name in e.keys() if name[:2] == "on"]  # noqa: SIM118 - an Element is no dict
    assert "<script" not in figure.html()
    assert "<img" not in figure.html()
    figure.svg.encode("utf-8")


def test_hostile_labels_are_whole_in_the_table() -> None:
    """The table says what the label said."""
    cells = "\n".join(cell for row in sequence(hostile()).table.rows for cell in row)
    assert HOSTILE[0] in cells
    assert "\x00" not in cells


def test_two_figures_on_a_page_share_no_id() -> None:
    """Ids and the style's scope come from the content."""
    ids = re.compile(r'\bid="([^"]+)"')
    one, other = sequence(calls(2)).svg, sequence(calls(3)).svg
    assert set() == set(ids.findall(one)) & set(ids.findall(other))
    assert 2 == len(set(ids.findall(one)))


def test_both_color_schemes_come_from_the_palette_with_fallbacks() -> None:
    """Alone, the SVG follows the system; on a page, the page's custom properties."""
    svg = sequence(calls()).svg
    assert "var(--mp-request,#0072b2)" in svg
    dark = svg.index("@media(prefers-color-scheme:dark)")
    assert svg.index("var(--mp-request,#4aa8e0)") > dark


def test_colors_are_those_of_the_palette() -> None:
    """The fallbacks equal the book's palette, role by role, in both schemes."""
    palette = Path("book/_static/css/palette.css").read_text(encoding="utf-8")
    day, night = palette.split('html[data-theme="dark"]')
    svg = sequence(ride()).svg
    before, after = svg.split("@media(prefers-color-scheme:dark)")
    for part, known in ((before, day), (after, night)):
        for role, color in re.findall(r"var\(--mp-([a-z-]+),(#[0-9a-f]+)\)", part):
            assert f"--mp-{role}: {color};" in known


def test_type_is_at_least_eleven_points() -> None:
    """Every size in the style is 15 px (11.25 pt) or more."""
    sizes = re.findall(r"(\d+)px var\(--_font\)", sequence(ride()).svg)
    assert [True] == [int(size) >= 15 for size in sizes]


def test_the_nodes_asked_for_are_drawn_in_their_order() -> None:
    """`nodes` chooses the lifelines from left to right."""
    figure = sequence(ride(), nodes=["payments", "rides"])
    names = [output for *_, output in boxes(figure) if output in ("payments", "rides")]
    assert ["payments", "rides"] == names
    assert "pricing" not in words(figure)


def test_an_unknown_node_is_refused_with_the_names_there_are() -> None:
    """The error says which nodes the recording has."""
    with pytest.raises(ValueError, match="no node 'pricng'; there are: rides, pricing"):
        sequence(calls(), nodes=["pricng"])


def test_an_unknown_kind_is_refused_with_the_kinds_there_are() -> None:
    """A misspelled kind would draw nothing and say nothing."""
    known = "request, reply, event, ack"
    with pytest.raises(ValueError, match=f"no kind 'calls'; there are: {known}"):
        sequence(calls(), kinds={"calls"})


def test_one_kind_and_one_node_need_no_list() -> None:
    """A name alone is that name, not its letters."""
    assert "200" not in words(sequence(calls(), kinds="request"))
    assert "pricing" in words(sequence(calls(), nodes="pricing"))


def test_where_no_events_are_drawn_nobody_is_busy_with_one() -> None:
    """Work on an event that the figure leaves out would stand there unexplained."""
    to = Recorder("simulated", 7, "")
    to.join("billing", "service")
    about = ("billing", "bus", "process rides.ride-ended", 1_000, 2_000, "ok")
    to.span(Span("s", "t", "", "consumer", *about))
    recording = to.recording(3_000)
    assert len(excerpt(recording).spans) == 1
    assert len(excerpt(recording, kinds=["event"]).spans) == 1
    assert not excerpt(recording, kinds=["request", "reply"]).spans


def test_a_limit_below_one_is_refused() -> None:
    """A figure of no messages is not what anybody asks for."""
    with pytest.raises(ValueError, match="at least one message, got limit=0"):
        sequence(calls(), limit=0)


def test_a_message_to_oneself_is_a_loop() -> None:
    """A node may send to itself; the arrow goes out and comes back."""
    to = Recorder("simulated", 1, "")
    to.message(
        "event", "rides", "rides", label="Tick", sent_us=0, arrived_us=500,
        fate="delivered",
    )  # fmt: skip
    figure = sequence(to.recording(1_000))
    assert "▲ Tick" in words(figure)
    assert [] == overlaps(figure)


def test_a_moment_without_nodes_is_drawn() -> None:
    """A note to the whole world has no lifeline."""
    recording = calls()
    recording.moments.append(Moment(100, "until", (), "the run ends here"))
    assert "until: the run ends here" in words(sequence(recording))


@pytest.mark.parametrize(
    ("fates", "expected"),
    [
        ([], "No messages were sent"),
        (["delivered"], "The one message arrived"),
        (["delivered"] * 3, "All 3 messages arrived"),
        (["lost"], "The one request never arrived"),
        (["lost", "blocked", "delivered"], "2 of 3 requests never arrived"),
        (["refused", "delivered"], "1 of 2 requests was refused"),
        (["late", "late", "delivered"], "2 of 3 requests came too late"),
        (["in flight", "delivered"], "1 of 2 requests is still under way"),
        (
            ["lost", "late", "delivered"],
            "1 of 3 requests never arrived and 1 of 3 requests came too late",
        ),
    ],
)
def test_the_title_states_the_finding(fates: list[str], expected: str) -> None:
    """Without a title, what became of the messages is counted."""
    recording = Recording(world="simulated")
    for i, fate in enumerate(fates):
        arrived = i + 5 if fate in ("delivered", "late", "refused") else None
        recording.messages.append(
            Message(i, "request", "a", "b", "x", i, arrived, fate)  # type: ignore[arg-type] - a parametrized literal
        )
    assert expected == sequence(recording).title


def test_a_figure_prints_itself_in_one_line_and_saves_its_svg(tmp_path: Path) -> None:
    """The repr holds no address; the file holds the SVG."""
    figure = sequence(calls(), title="One answer is lost")
    assert "<Figure sequence: One answer is lost>" == repr(figure)
    saved = figure.save(tmp_path / "x.svg").read_text(encoding="utf-8")
    assert alone(figure.svg) == saved
    assert "display:none" not in saved
    assert figure.svg in figure._repr_html_()


@pytest.mark.parametrize("name", ["calls", "map of calls"])
def test_a_small_figure_is_as_it_was(name: str) -> None:
    """A change of a drawing shows in review: python -m tests.draw.goldens."""
    golden = GOLDEN / f"{name.replace(' ', '-')}.svg"
    assert golden.read_text(encoding="utf-8") == FIGURES[name]().svg


@pytest.mark.parametrize(
    ("at_us", "expected"),
    [
        (0, "0 µs"),
        (999, "999 µs"),
        (1_500, "1.5 ms"),
        (250_000, "250 ms"),
        (5_000_000, "5.00 s"),
        (3_600_000_000, "3,600 s"),
        (86_400_000_000, "24.0 h"),
    ],
)
def test_durations_are_shown_in_the_unit_that_suits_them(
    at_us: int, expected: str
) -> None:
    """Microseconds become what a reader would say."""
    assert expected == duration(at_us)


@pytest.mark.parametrize(
    ("stretch", "unit"), [(1, "µs"), (1_000, "ms"), (10_000_000, "s"), (10**9, "h")]
)
def test_the_axis_names_its_unit(stretch: int, unit: str) -> None:
    """A run of microseconds, of milliseconds, of minutes, of hours."""
    to = Recorder("simulated", 1, "")
    for i in range(3):
        sent, arrived = 10 * i * stretch, (10 * i + 5) * stretch
        to.message(
            "request", "a", "b", label="x", sent_us=sent, arrived_us=arrived,
            fate="delivered",
        )  # fmt: skip
    assert unit in words(sequence(to.recording(30 * stretch))).splitlines()


def test_text_in_any_script_keeps_inside_the_figure() -> None:
    """Wide characters are measured as wide."""
    to = Recorder("simulated", 1, "")
    to.message(
        "request", "乗客", "自転車", label="予約" * 30, sent_us=0, arrived_us=500,
        fate="delivered",
    )  # fmt: skip
    figure = sequence(to.recording(1_000))
    assert "…" in words(figure)
    assert [] == overlaps(figure)


def test_a_reply_that_refuses_is_marked() -> None:
    """A status of 400 and more has a ✕, not only a number."""
    to = Recorder("simulated", 1, "")
    to.message(
        "reply", "pricing", "rides", label="GET /quote", status=503, sent_us=0,
        arrived_us=500, fate="delivered",
    )  # fmt: skip
    assert "✕ 503" in words(sequence(to.recording(1_000)))


def test_an_event_is_drawn_without_the_domain_before_its_name() -> None:
    """The arrow has room for a few words; the table has the whole type."""
    recorder = Recorder("simulated", 1, "")
    kind = "city.larkhaven.rides.ride-started"
    reported = recorder.message("event", "rides", "bus", label=kind, sent_us=0)
    reported.arrived_us, reported.fate = 1_000, "delivered"
    figure = sequence(recorder.recording(1_000))
    assert "▲ rides.ride-started" in words(figure)
    assert kind not in words(figure)
    assert any(kind in cell for row in figure.table.rows for cell in row)
