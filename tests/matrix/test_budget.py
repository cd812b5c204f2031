"""What a report and an act may ask of the database at most, on every road through the table."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.services import case_act, case_report
from cases.workflow import State
from dispatch.selectors import suggest_department
from tests.cast import NOW, ROADS, Cast, Story, photo_of

MOST_FOR_A_REPORT = 14
MOST_FOR_AN_ACT = 12
SAVEPOINTS = ("SAVEPOINT", "RELEASE SAVEPOINT")


def asked(queries: CaptureQueriesContext) -> list[str]:
    """Return the statements, without the savepoints that only tests have."""
    return [q["sql"] for q in queries if not q["sql"].startswith(SAVEPOINTS)]


@pytest.mark.parametrize("with_everything", [False, True])
def test_a_report_keeps_to_its_budget(cast: Cast, with_everything):
    Story(cast)  # a running program has read the calendar's version before
    lon, lat = cast.place
    extra = {
        "component_code": cast.component.code,
        "photo_ids": [photo_of(cast.collector_chen) for _each in range(3)],
        "reporter_name": "陈",
    }
    with CaptureQueriesContext(connection) as queries:
        case_report(
            actor=cast.collector_chen,
            source="collector",
            lon=lon,
            lat=lat,
            now=NOW,
            type_code="C0305",
            **(extra if with_everything else {}),
        )
    assert len(asked(queries)) <= MOST_FOR_A_REPORT, asked(queries)


@pytest.mark.parametrize("state", [State.CONFIRMING, State.SUSPENDED, State.REWORK, State.CLOSED,
                                   State.REFUSED, State.VOIDED, State.MERGED])  # fmt: skip
def test_every_act_on_the_way_keeps_to_its_budget(cast: Cast, state):
    Story(cast, metres=5)
    story = Story(cast)
    suggest_department(story.case, NOW)  # a running program has read the rules before
    for name, action in ROADS[state]:
        actor = cast.people[name]
        fields = story.good_fields(action, actor)
        with CaptureQueriesContext(connection) as queries:
            story.case = case_act(
                case_id=story.case.pk, action=action, actor=actor, now=NOW, **fields
            )
        assert len(asked(queries)) <= MOST_FOR_AN_ACT, (action, asked(queries))
