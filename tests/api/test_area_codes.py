"""`GET /api/v1/areas/?code=…`: what a code of today or of the past means."""

from __future__ import annotations

from datetime import date

import pytest

from grid.reorganisation.services import reorganisation_apply, reorganisation_read
from tests.cast import NOW

PLAN = """old_code,new_code,old_name,name
330106,330105,西湖区,拱墅区
330105,330105,拱墅区,拱墅区
330106007,330105037,古荡街道,
330106005,330105035,翠苑街道,
330106008,330105038,西湖街道,
330109,330114,萧山区,钱塘区
"""


@pytest.fixture
def reorganised(cast):
    plan = reorganisation_read(
        city=cast.city, name="x", data=PLAN.encode(), now=NOW, effective_date=date(2026, 3, 16)
    )
    reorganisation_apply(reorganisation=plan, now=NOW)


def test_codes_of_today_of_the_past_and_of_elsewhere_are_answered(reorganised, acceptor):
    def ask(**query):
        answer = acceptor.get("areas/", **query)
        assert answer.status_code == 200, answer.content.decode()
        document = answer.json()
        return document["standing"], [area["code"] for area in document["areas"]]

    assert ask(code="330105") == ("current", ["330105"])
    assert ask(code="330106") == ("succeeded", ["330105"])
    assert ask(code="330106007") == ("succeeded", ["330105037"])
    assert ask(code="330106", on="2026-03-15") == ("current", ["330106"])
    assert ask(code="330109") == ("elsewhere", [])
    named = acceptor.get("areas/", code="330109").json()
    assert named["elsewhere"] == [{"code": "330114", "name": "钱塘区"}]
    assert named["old_name"] == "萧山区"


def test_codes_that_nobody_bears_and_days_that_are_none_are_refused(
    reorganised, acceptor, assert_refused
):
    assert_refused(acceptor.get("areas/", code="330106", on="2026-03-17"), 404, "unknown_code")
    assert_refused(acceptor.get("areas/", code="nonsense"), 404, "unknown_code")
    assert_refused(acceptor.get("areas/"), 404, "unknown_code")
    assert_refused(acceptor.get("areas/", code="330106", on="yesterday"), 400, "invalid", "on")
