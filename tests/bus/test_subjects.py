"""Subjects match as NATS says, against a slow and obvious oracle."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingparts.bus.subjects import (
    SubjectError,
    check_name,
    check_subject,
    covers,
    matches,
    overlap,
)

WORDS = ["a", "b", "c"]
subjects = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(".".join)
heads = st.lists(st.sampled_from([*WORDS, "*"]), max_size=3)
patterns = st.tuples(heads, st.sampled_from([*WORDS, "*", ">"])).map(
    lambda parts: ".".join([*parts[0], parts[1]])
)
# Every subject of up to five words, with a word that no pattern names.
EVERY = [
    ".".join(words)
    for length in range(1, 6)
    for words in itertools.product([*WORDS, "z"], repeat=length)
]


def oracle(pattern: list[str], subject: list[str]) -> bool:
    if pattern == [">"]:
        return len(subject) >= 1
    if not pattern or not subject:
        return pattern == subject
    return pattern[0] in ("*", subject[0]) and oracle(pattern[1:], subject[1:])


def slow_matches(pattern: str, subject: str) -> bool:
    return oracle(pattern.split("."), subject.split("."))


@given(patterns, subjects)
def test_a_pattern_matches_as_the_oracle_says(pattern, subject):
    assert slow_matches(pattern, subject) == matches(pattern, subject)


@pytest.mark.slow
@given(patterns, patterns)
def test_a_pattern_covers_another_if_it_matches_each_subject_of_it(one, other):
    theirs = [subject for subject in EVERY if slow_matches(other, subject)]
    expected = all(slow_matches(one, subject) for subject in theirs)
    assert expected == covers(one, other)


@pytest.mark.slow
@given(patterns, patterns)
def test_patterns_overlap_if_one_subject_is_of_both(one, other):
    expected = any(slow_matches(one, s) and slow_matches(other, s) for s in EVERY)
    assert expected == overlap(one, other)


@given(patterns)
def test_every_pattern_may_be_subscribed_to(pattern):
    check_subject(pattern, wildcards=True)


@pytest.mark.parametrize(
    ("subject", "says"),
    [
        (None, "a subject is text"),
        ("", "a subject is text"),
        ("a" * 1025, "at most 1024"),
        ("$SYS.x", "belongs to the broker"),
        ("_INBOX.x", "belongs to the broker"),
        ("_INBOX", "belongs to the broker"),
        ("_movingparts.reports", "belongs to the broker"),
        ("a..b", "an empty word"),
        ("a.b c", "not printable ASCII"),
        ("a.\t", "not printable ASCII"),
        ("a.*", "has a wildcard"),
        ("a.>", "has a wildcard"),
        ("a.b*", "a wildcard is a word of its own"),
    ],
)
def test_a_bad_subject_is_refused_with_its_reason(subject, says):
    with pytest.raises(SubjectError, match=says):
        check_subject(subject)


def test_the_rest_stands_only_at_the_end():
    with pytest.raises(SubjectError, match="only at the end"):
        check_subject("a.>.b", wildcards=True)


@pytest.mark.parametrize("name", ["", "a.b", "a b", "a*", "é", None])
def test_a_bad_name_is_refused(name):
    with pytest.raises(SubjectError, match="cannot name a durable"):
        check_name("durable", name)
