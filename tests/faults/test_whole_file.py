"""A whole file of another city's requests: replayed, evaluated, given out by other rules.

REPLAY_FILE=nyc311.csv.gz make faults                           every day of it
REPLAY_FILE=nyc311.csv.gz REPLAY_DAYS=2019-07-02..2019-07-03 make faults    some days
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from django.db.models import Count

from accounts.models import Organisation, User
from cases.models import Case
from common import clock
from desks.replay.run import choose, replay
from tests.api.evaluation.replayed import agree_with_file
from tests.tried_rules import Administrator

FILE, DAYS = Path(os.environ["REPLAY_FILE"]), os.environ.get("REPLAY_DAYS", "")
PROCESSES = 2


def days() -> list[date]:
    """Return the days that were asked for; none: all of the file."""
    if not DAYS:
        return []
    first, _to, last = DAYS.partition("..")
    begin, end = date.fromisoformat(first), date.fromisoformat(last or first)
    return [begin + timedelta(days=number) for number in range((end - begin).days + 1)]


@pytest.mark.django_db(transaction=True)
def test_a_whole_file_is_late_as_plainly_recomputed_and_moves_by_new_rules_as_tried(
    demo_city, capsys, monkeypatch
):
    now = clock.now()
    summary = replay(choose(FILE, demo_city, days(), None, now), PROCESSES, lambda size: None)
    assert summary.agrees, summary.refused
    found = agree_with_file(FILE, now)
    assert found["requests"] == summary.requests
    monkeypatch.setattr(clock, "now", lambda: now)
    found |= other_rules_move_what_their_dry_run_shows(now)
    with capsys.disabled():
        shown = ", ".join(f"{name} {value:,.6g}" for name, value in found.items())
        print(f"\n{FILE.name} {DAYS}: {shown}")  # noqa: T201  the figures of a long run


def other_rules_move_what_their_dry_run_shows(now: datetime) -> dict[str, float]:
    """Give the busiest type and a district's nights to others, drop a rule; try all and publish."""
    administrator = Administrator(User.objects.get(username="admin"), now)
    others = Organisation.objects.filter(kind="department", is_active=True)
    moved_to = [others.get(code=code) for code in ("city-housing", "city-tourism")]
    busiest, district = (
        Case.objects.values_list(name, flat=True).annotate(n=Count("pk")).latest("n")
        for name in ("type", "district")
    )
    administrator.add(
        code="nights", lead_by="organisation", lead_organisation=moved_to[0].pk,
        areas=district, from_time="22:00", to_time="06:00",
    )  # fmt: skip
    administrator.add(
        code="busiest", lead_by="organisation", lead_organisation=moved_to[1].pk, types=busiest
    )
    administrator.switch_off("territory-district")
    run, seconds = administrator.publish_as_tried()
    reasons = Counter(
        row.after.rule if row.after.rule in ("busiest", "nights") else row.before.rule
        for row in run.changes
    )
    assert set(reasons) == {"busiest", "nights", "territory-district"}
    assert len(run.changes) < run.asked
    return {
        "tried": run.asked,
        "moved": len(run.changes),
        **{f"by “{rule}”": number for rule, number in reasons.items()},
        "dry run, seconds": seconds,
    }
