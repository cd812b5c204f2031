"""What a row of another city's file means: rows on both sides of every rule."""

import itertools
from datetime import date, datetime, timedelta

import pytest

from components.loading import CATALOGUE
from desks.replay.places import Curve, Mover, hilbert
from desks.replay.plan import names_of, steps_of
from desks.replay.run import MAPPING
from desks.replay.source import (
    SHORTEST,
    USUAL,
    LeftOut,
    Mapping311,
    Request,
    last_day,
    read_requests,
    shift_to_yesterday,
)
from tests.replay_rows import row

LATEST = datetime(2019, 7, 24, 12)
CREATED = datetime(2019, 7, 1, 9, 30)
CLOSED = datetime(2019, 7, 1, 15)
ENDS = datetime(2019, 7, 24, 2)


@pytest.fixture(scope="module")
def mapping() -> Mapping311:
    return Mapping311.load(MAPPING)


def judge(mapping: Mapping311, *rows: dict[str, str]) -> list[Request | LeftOut]:
    return list(read_requests(rows, mapping, LATEST))


def test_a_clean_row_becomes_a_request(mapping):
    [found] = judge(mapping, row())
    assert isinstance(found, Request)
    assert (found.type_code, found.source, found.is_urgent) == ("E0103", "hotline", False)
    assert (found.created, found.closed, found.mended) == (CREATED, CLOSED, "")
    assert found.description == (
        "Missed Collection (All Materials): 1 Missed Collection (Sidewalk)"
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"unique_key": " "}, "no_key"),
        ({"created_date": ""}, "no_creation_time"),
        ({"created_date": "yesterday"}, "no_creation_time"),
        ({"created_date": "2019-02-30T09:00:00"}, "no_creation_time"),
        ({"created_date": "1900-01-01T00:00:00"}, "impossible_creation_time"),
        ({"created_date": "2019-07-24T12:00:01"}, "impossible_creation_time"),  # after the file
        ({"status": "Email Sent"}, "unknown_status"),
        ({"complaint_type": "Dragons"}, "unknown_type"),
        ({"complaint_type": "HEAT/HOT WATER"}, "indoor"),
        ({"complaint_type": "Noise - Residential"}, "neighbours"),
        ({"longitude": ""}, "no_place"),
        ({"latitude": "north"}, "no_place"),
        ({"longitude": "0", "latitude": "0"}, "place_outside_new_york"),
        ({"longitude": "nan"}, "place_outside_new_york"),
    ],
)
def test_a_row_without_meaning_is_left_out_for_its_reason(mapping, changes, reason):
    [found] = judge(mapping, row(**changes))
    assert isinstance(found, LeftOut)
    assert found.reason == reason


@pytest.mark.parametrize(
    "changes",
    [
        {"created_date": "2003-03-09T00:00:00", "closed_date": "2003-03-09T05:00:00"},
        {"created_date": "2019-07-24T12:00:00", "status": "Open", "closed_date": ""},
        {"longitude": "-74.26", "latitude": "40.49"},  # the corner of the box
        {"status": "Pending", "closed_date": ""},
    ],
)
def test_a_row_just_inside_the_rules_is_kept(mapping, changes):
    [found] = judge(mapping, row(**changes))
    assert isinstance(found, Request)


def test_a_key_seen_before_is_left_out_and_another_is_not(mapping):
    kinds = [
        found.reason if isinstance(found, LeftOut) else "kept"
        for found in judge(mapping, row(), row(), row(unique_key="2"))
    ]
    assert kinds == ["kept", "duplicate_key", "kept"]


@pytest.mark.parametrize(
    ("status", "closed_date", "closed", "mended"),
    [
        ("Closed", "2019-07-01T09:50:00", CREATED + SHORTEST, ""),  # exactly the shortest
        ("Closed", "2019-07-01T09:49:59", CREATED + SHORTEST, "closed_within_minutes"),
        ("Closed", "2019-07-01T09:30:00", CREATED + SHORTEST, "closed_within_minutes"),
        ("Closed", "2019-07-01T09:29:59", CREATED + USUAL, "closing_time_before_creation"),
        ("Closed", "", CREATED + USUAL, "closing_time_missing"),
        ("Closed", "soon", CREATED + USUAL, "closing_time_unreadable"),
        ("Closed", "1900-01-01T00:00:00", CREATED + USUAL, "closing_time_impossible"),
        ("Closed", "2019-07-24T12:00:00", LATEST, ""),
        ("Closed", "2019-07-24T12:00:01", CREATED + USUAL, "closing_time_impossible"),
        ("Open", "", None, ""),
        ("Open", "2019-07-01T15:00:00", None, "closing_time_without_status"),
    ],
)
def test_a_dirty_closing_time_is_mended_and_counted(mapping, status, closed_date, closed, mended):
    [found] = judge(mapping, row(status=status, closed_date=closed_date))
    assert isinstance(found, Request)
    assert (found.closed, found.mended) == (closed, mended)


@pytest.mark.parametrize(
    ("channel", "source"),
    [("PHONE", "hotline"), ("ONLINE", "public"), ("MOBILE", "public"), ("UNKNOWN", "collector")],
)
def test_the_channel_says_who_reports(mapping, channel, source):
    [found] = judge(mapping, row(open_data_channel_type=channel))
    assert found.source == source


def test_the_longest_fitting_descriptor_decides(mapping):
    assert mapping.find("Water System", "Hydrant Running (WC3)").type_code == "C0113"
    assert mapping.find("Water System", "Possible Water Main Break (WA1)").is_urgent
    assert mapping.find("Water System", "Dirty Water (WE)").left_out == "indoor"
    assert mapping.find("Sewer", "Catch Basin Grating Missing (SA4)").type_code == "C0104"
    assert mapping.find("Dragons", "") is None


def test_every_mapped_type_is_in_the_catalogue(mapping):
    lines = (CATALOGUE / "types.csv").read_text(encoding="utf-8").splitlines()
    assert mapping.type_codes <= {line.split(",")[0] for line in lines}


def test_control_characters_do_not_reach_the_description(mapping):
    [found] = judge(mapping, row(descriptor="a\x00b\n" + "x" * 900))
    assert found.description.isprintable()
    assert len(found.description) < 600


# ── days ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("last", "today", "moved_to"),
    [
        (date(2019, 7, 23), date(2026, 11, 18), date(2026, 11, 17)),  # Tuesday, yesterday itself
        (date(2019, 7, 23), date(2026, 11, 17), date(2026, 11, 10)),  # Tuesday is not over yet
        (date(2019, 7, 23), date(2026, 11, 22), date(2026, 11, 17)),  # Sunday
    ],
)
def test_the_file_moves_by_whole_weeks_to_yesterday_or_just_before(last, today, moved_to):
    shift = shift_to_yesterday(last, today)
    assert last + shift == moved_to
    assert shift.days % 7 == 0


def test_impossible_times_do_not_make_the_last_day():
    moments = [CREATED, datetime(2099, 1, 1), None, datetime(1900, 1, 1)]
    assert last_day(moments, LATEST) == CREATED.date()
    assert last_day([None], LATEST) is None


# ── steps ─────────────────────────────────────────────────────────────────────────────────────


def request_of(mapping: Mapping311, **changes: str) -> Request:
    [found] = judge(mapping, row(**changes))
    assert isinstance(found, Request)
    return found


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        ({"status": "Open"}, None),
        ({"status": "Assigned"}, "dispatch"),
        ({"status": "Started"}, "sign"),
        ({"status": "In Progress"}, "sign"),
        ({"status": "Pending"}, "approve_suspension_finally"),
        ({"status": "Closed"}, "close"),
    ],
)
def test_a_request_stops_where_its_status_says(mapping, changes, last):
    names = names_of(request_of(mapping, **changes))
    assert (names[-1] if names else None) == last


def test_a_collector_is_not_sent_to_confirm_what_a_collector_reported(mapping):
    assert "confirm" in names_of(request_of(mapping))
    assert "confirm" not in names_of(request_of(mapping, open_data_channel_type="UNKNOWN"))


def test_an_urgent_request_is_dispatched_first_and_filed_afterwards(mapping):
    names = names_of(
        request_of(mapping, complaint_type="Damaged Tree", descriptor="Entire Tree Has Fallen Down")
    )
    assert names[:3] == ("dispatch_urgent", "sign", "complete_filing")


@pytest.mark.parametrize("minutes", [20, 60, 60 * 24 * 20])
def test_steps_never_go_back_and_end_with_the_closing_time(mapping, minutes):
    closed = CREATED + timedelta(minutes=minutes)
    request = request_of(mapping, closed_date=closed.isoformat())
    moments = [step.at for step in steps_of(request, ENDS)]
    assert moments == sorted(moments)
    assert moments[0] >= CREATED
    assert moments[-1] == closed


def test_the_same_request_takes_the_same_steps_again(mapping):
    request = request_of(mapping)
    assert steps_of(request, ENDS) == steps_of(request, ENDS)


# ── places ────────────────────────────────────────────────────────────────────────────────────


def test_the_curve_visits_every_place_once_and_neighbours_in_turn():
    side = 8
    cells = [((x + 0.5) / side, (y + 0.5) / side) for x in range(side) for y in range(side)]
    ordered = sorted(cells, key=lambda cell: hilbert(*cell))
    assert len({hilbert(*cell) for cell in cells}) == side * side
    steps = [abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in itertools.pairwise(ordered)]
    assert max(steps) == pytest.approx(1 / side)


def test_neighbours_stay_neighbours_and_one_address_stays_one():
    origin = Curve((x / 40, y / 40) for x in range(40) for y in range(40))
    target = Curve((100 + x / 90, 30 + y / 90) for x in range(90) for y in range(90))
    mover = Mover(origin, target)
    corner = [mover.move((x / 40, y / 40)) for x in range(4) for y in range(4)]
    assert mover.move((0.0, 0.0)) == mover.move((0.0, 0.0))
    assert len(set(corner)) == len(corner)
    assert max(place[0] for place in corner) - min(place[0] for place in corner) < 0.2
    everywhere = {mover.move(place) for place in origin.places}
    assert max(place[0] for place in everywhere) - min(place[0] for place in everywhere) > 0.95
