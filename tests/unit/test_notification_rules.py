"""Conditions, quiet hours, pauses and the templates an administrator may write: pure rules."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from django.template import TemplateSyntaxError
from hypothesis import given
from hypothesis import strategies as some

from live.notifications.rules import (
    LONGEST_PAUSE,
    condition_faults,
    holds,
    pause_after,
    quiet_until,
)
from live.notifications.safe_template import LONGEST_TEXT, render

FACTS = {
    "clock": "handle",
    "threshold": 80,
    "urgency": "normal",
    "by_system": True,
    "level": None,
    "request": None,
}


@pytest.mark.parametrize(
    ("condition", "is_so"),
    [
        ({}, True),
        ({"clock": "handle"}, True),
        ({"clock": "check"}, False),
        ({"clock": ["check", "handle"]}, True),
        ({"clock": ["check", "file"]}, False),
        ({"threshold": 80}, True),
        ({"threshold": {"at_least": 80}}, True),
        ({"threshold": {"at_least": 81}}, False),
        ({"threshold": {"at_most": 80}}, True),
        ({"threshold": {"at_most": 79}}, False),
        ({"threshold": {"at_least": 50, "at_most": 90}}, True),
        ({"by_system": True}, True),
        ({"by_system": False}, False),
        ({"threshold": True}, False),  # true is no number
        ({"level": {"at_least": 1}}, False),  # what the event does not say holds nothing
        ({"request": "extension"}, False),
        ({"clock": "handle", "threshold": {"at_least": 90}}, False),  # all must hold
    ],
)
def test_a_condition_holds_when_every_fact_is_what_it_asks(condition, is_so):
    assert holds(condition, FACTS) is is_so


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"clock": "handle", "threshold": {"at_least": 80}},
        {"urgency": ["urgent", "normal"], "by_system": False, "level": 2},
        {"new_state": "dispatched", "source": "hotline"},
    ],
)
def test_a_right_condition_may_be_saved(condition):
    assert condition_faults(condition) == []


@pytest.mark.parametrize(
    "condition",
    [
        [],
        "clock",
        {"weather": "rain"},
        {"clock": "lunch"},
        {"clock": ["handle", "lunch"]},
        {"clock": []},
        {"clock": {"at_least": 1}},
        {"threshold": "80"},
        {"threshold": {}},
        {"threshold": {"more_than": 3}},
        {"threshold": {"at_least": "80"}},
        {"by_system": "yes"},
        {"by_system": 1},
        {"source": 3},
    ],
)
def test_a_condition_that_can_never_hold_is_refused_with_a_sentence(condition):
    faults = condition_faults(condition)
    assert len(faults) == 1
    assert str(faults[0]).strip()


def at(hour: int, minute: int = 0, day: int = 16) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "quiet_from", "quiet_to", "until"),
    [
        (at(23, 30), time(22), time(7), at(7, day=17)),  # before midnight: tomorrow morning
        (at(3), time(22), time(7), at(7)),  # after midnight: this morning
        (at(22), time(22), time(7), at(7, day=17)),  # the beginning is quiet
        (at(7), time(22), time(7), at(7)),  # the end is not
        (at(12), time(22), time(7), at(12)),
        (at(12, 30), time(12), time(14), at(14)),  # a rest at noon
        (at(14), time(12), time(14), at(14)),
        (at(12), None, time(7), at(12)),
        (at(12), time(12), time(12), at(12)),  # equal ends: no quiet hours
    ],
)
def test_quiet_hours_end_when_they_say(now, quiet_from, quiet_to, until):
    assert quiet_until(now, quiet_from, quiet_to) == until


CLOCKS = some.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))


@given(CLOCKS, CLOCKS, CLOCKS)
def test_after_quiet_hours_it_is_never_quiet(clock, quiet_from, quiet_to):
    now = datetime.combine(at(0).date(), clock, tzinfo=UTC)
    until = quiet_until(now, quiet_from, quiet_to)
    assert now <= until < now + timedelta(days=1)
    assert quiet_until(until, quiet_from, quiet_to) == until


def test_pauses_double_up_to_an_hour():
    pauses = [pause_after(attempts).total_seconds() for attempts in range(1, 9)]
    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600]
    assert pause_after(40) == LONGEST_PAUSE


# ── templates ─────────────────────────────────────────────────────────────────────────────────

NAMES = frozenset({"number", "more", "address"})
VALUES = {"number": "2026", "more": 0, "address": "<b>&</b>"}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("案卷 {{ number }}", "案卷 2026"),
        ("{% if more %}另有 {{ more }} 件{% else %}只此一件{% endif %}", "只此一件"),
        ('{{ address|default:"无" }}', "<b>&</b>"),  # plain text: the page escapes it
        ('{{ more|yesno:"ja,nein" }}', "nein"),
        ("a\x07b\r{{ number }}", "ab2026"),  # no control characters in a subject
    ],
)
def test_a_template_is_filled_in(source, text):
    assert render(source, VALUES, NAMES) == text


@pytest.mark.parametrize(
    "source",
    [
        "{{ phone }}",
        "{{ number.__class__ }}",
        "{{ number.upper }}",
        "{% if secret %}x{% endif %}",
        "{{ number|default:secret }}",
        '{% include "admin/base.html" %}',
        '{% extends "admin/base.html" %}',
        "{% load i18n %}",
        "{% debug %}",
        '{% now "Y" %}',
        "{% for letter in number %}{{ letter }}{% endfor %}",
        '{{ number|ljust:"1000000000" }}',
        "{{ number|safe }}",
        "{% if number %}",
        "{{ number",
    ],
)
def test_what_reaches_beyond_the_text_is_refused(source):
    if source == "{{ number":  # never closed: it is text, as in Django
        assert render(source, VALUES, NAMES) == source
        return
    with pytest.raises(TemplateSyntaxError):
        render(source, VALUES, NAMES)


def test_a_text_has_an_end():
    assert len(render("{{ number }}" * 5, {"number": "x" * 1000}, NAMES)) == LONGEST_TEXT
