"""What people and programs send wrong: one clear sentence each, nothing half written, never 500."""

from __future__ import annotations

import io
import json
import math
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.gis.geos import Point
from django.db import transaction
from PIL import Image

from accounts.models import City
from cases.models import ApprovalRequest, Case, CaseEvent, CasePhoto, Photo
from cases.workflow import State
from components.models import Component
from grid.models import Area, GridCell
from tests.cast import Story, photo_of, picture

# ── the place ─────────────────────────────────────────────────────────────────────────────────


def test_a_point_outside_the_city_is_refused(collector, assert_refused):
    shanghai = {"type": "Point", "coordinates": [121.4737, 31.2304]}
    document = assert_refused(collector.report(location=shanghai), 400, "invalid", "location")
    assert "outside the city" in document["message"]
    assert not Case.objects.exists()


def test_a_point_on_the_border_of_cells_lies_in_exactly_one(collector):
    corner = GridCell.objects.get(pk=Story(collector.cast).case.cell_id).geometry[0][0]
    border = {"type": "Point", "coordinates": list(corner)}
    cells = {collector.report(location=border).json()["cell"] for _try in range(3)}
    assert len(cells) == 1


def test_a_point_in_another_city_lies_outside_ones_own(collector, cast, assert_refused):
    number = collector.report().json()["number"]
    Area.objects.update(city=City.objects.create(code="330200", name="宁波市"))
    assert_refused(collector.report(), 400, "invalid", "location")
    case = Case.objects.get(number=number)
    moved = {
        "type": "E0102",
        "address": "x",
        "location": {"lon": case.point.x, "lat": case.point.y},
    }
    refusal = Story(cast, case=case).refused("accept", cast.acceptor_wang, **moved)
    assert (refusal.code, list(refusal.fields)) == ("invalid", ["location"])


NO_POINTS = [
    None,
    [],
    "120.1,30.2",
    {},
    {"type": "Point"},
    {"type": "Point", "coordinates": []},
    {"type": "Point", "coordinates": [120.1]},
    {"type": "Point", "coordinates": [120.1, 30.2, 3]},
    {"type": "Point", "coordinates": ["x", "y"]},
    {"type": "Point", "coordinates": [None, None]},
    {"type": "Point", "coordinates": [True, True]},
    {"type": "Point", "coordinates": [[120.1], [30.2]]},
    {"type": "Point", "coordinates": ["nan", "30.2"]},
    {"type": "Point", "coordinates": ["inf", "30.2"]},
    {"type": "Point", "coordinates": [1200.1, 30.2]},
    {"type": "Point", "coordinates": [30.2, 120.1]},
    {"type": "Polygon", "coordinates": [120.1, 30.2]},
]


def test_what_is_no_point_is_refused(collector, assert_refused):
    for location in NO_POINTS:
        code = "missing_field" if location is None else "invalid"
        assert_refused(collector.report(location=location), 400, code, "location")
    assert not Case.objects.exists()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" * 400])
def test_numbers_that_are_none_are_refused(collector, assert_refused, number):
    body = json.dumps(collector.report_body()).replace(f"{collector.cast.place[0]}", number)
    answer = collector.post("cases/", body, raw=True)
    assert answer.status_code == 400
    assert answer.json()["code"] in ("parse_error", "invalid")


# ── type and component ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("code", ["C9999", "0103", "E", "E0102\x00", "\x00", "é" * 5, "E" * 9000])
def test_an_unknown_type_is_refused(collector, assert_refused, code):
    document = assert_refused(collector.report(type=code), 400, "invalid", "type")
    assert document["message"] == "There is no such type."


@pytest.mark.parametrize("code", ["9" * 16, "x", "\x00", "9" * 5000, "9\x009"])
def test_a_component_that_does_not_exist_is_refused(collector, assert_refused, code):
    assert_refused(collector.report(type=None, component=code), 400, "invalid", "component")


def test_a_component_three_kilometres_away_is_refused(collector, cast, assert_refused):
    near = collector.report(type=None, component=cast.component.code)
    assert near.status_code == 201
    assert near.json()["type"] == "C0305", "a component brings its type"
    far = {"type": "Point", "coordinates": list(cast.place)}
    Component.objects.filter(pk=cast.component.pk).update(point=Point(*cast.near(-3000)))
    answer = collector.report(type=None, component=cast.component.code, location=far)
    document = assert_refused(answer, 400, "invalid", "component")
    assert "3000 m away" in document["message"]


def test_a_component_of_another_type_is_refused(collector, cast, assert_refused):
    answer = collector.report(type="E0102", component=cast.component.code)
    assert_refused(answer, 400, "invalid", "component")


# ── text ──────────────────────────────────────────────────────────────────────────────────────


def test_a_description_of_100000_characters_is_refused(collector, assert_refused):
    document = assert_refused(
        collector.report(description="垃" * 100_000), 400, "invalid", "description"
    )
    assert "5000" in document["message"]
    assert collector.report(description="垃" * 5000).status_code == 201


def test_control_characters_vanish_and_emoji_stay(collector):
    answer = collector.report(description="a\x00b\x1b[31m\u202ec 🚮👩‍🔧\n第二行\r\n第三行\x07")
    assert answer.status_code == 201
    assert answer.json()["description"] == "ab[31mc 🚮👩‍🔧\n第二行\n第三行"


def test_half_an_emoji_is_refused(collector, assert_refused):
    for name in ("description", "type", "component", "address", "source"):
        for half in (r"\ud83d", r"\udeae", r"\udeae\ud83d"):
            body = json.dumps(collector.report_body(**{name: "HERE"})).replace("HERE", half)
            assert_refused(collector.post("cases/", body, "key-1", raw=True), 400, "parse_error")
    assert not Case.objects.exists()


def test_a_report_without_type_and_description_is_refused(collector, assert_refused):
    answer = collector.report(type=None, description=None)
    assert_refused(answer, 400, "missing_field", "type", "description")
    blank = collector.report(type=None, description=" \x00\u200b ")
    assert_refused(blank, 400, "missing_field", "type", "description")


# ── shapes ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("body", ["[]", "[{}]", '"x"', "1", "null", "true"])
def test_what_is_no_object_is_refused(collector, acceptor, assert_refused, body):
    assert collector.post("cases/", body, raw=True).status_code == 400
    case = Story(collector.cast).case
    address = f"cases/{case.number}/actions/accept/"
    assert acceptor.post(address, body, raw=True).status_code == 400
    assert acceptor.post("auth/token/", body, raw=True).status_code == 400


@pytest.mark.parametrize("body", ["", "{", '{"source"}', "\xff", "{'source': 1}", "{} {}"])
def test_what_is_no_json_is_refused(collector, body):
    answer = collector.post("cases/", body.encode("latin-1"), raw=True)
    assert answer.status_code == 400
    assert answer.json()["code"] in ("parse_error", "missing_field")


def test_towers_of_brackets_are_refused(collector, assert_refused):
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        for depth in (30, 200, 500, 950, 1100, 100_000):
            tower = opening * depth + "1" + closing * depth
            body = json.dumps(collector.report_body(reporter="HERE")).replace('"HERE"', tower)
            assert_refused(collector.post("cases/", body, "key", raw=True), 400, "parse_error")


def test_a_body_of_six_megabytes_is_refused(collector, assert_refused):
    assert_refused(collector.report(description="x" * 6_000_000), 413, "too_large")


JUNK = [[], {}, [[]], {"a": {"b": [1]}}, 5, -1, 1.5, True, "\x00", "x" * 3000, "٣", "' OR 1=1 --"]


@pytest.mark.parametrize(
    "name",
    ["source", "type", "description", "address", "component", "urgency", "reporter", "photos"],
)
def test_junk_in_any_field_of_a_report_is_refused_or_harmless(collector, name):
    for junk in JUNK:
        before = Case.objects.count()
        answer = collector.report(**{name: junk})
        assert answer.status_code in (201, 400, 403), (junk, answer.content)
        if answer.status_code != 201:
            assert answer.json()["message"]
            assert Case.objects.count() == before


def test_unknown_and_very_long_keys_are_harmless(collector):
    answer = collector.report(**{"k" * 50_000: 1, "": 2, "now": 3, "actor": 4, "\x00": 5})
    assert answer.status_code == 201


FIELD_OF = {  # every field an action reads, with a state and a person who may send it
    State.REPORTED: ("acceptor_wang", {"accept": ("type", "component", "location", "address"),
                                       "ask_confirmation": ("collector",),
                                       "refuse": ("reason_code", "reply"),
                                       "merge": ("master",)}),
    State.ACCEPTED: ("supervisor_zhao", {"file": ("standard", "profile", "urgency")}),
    State.FILED: ("dispatcher_li", {"dispatch": ("department", "cooperating", "reason"),
                                    "hand_down": ("desk",),
                                    "request_proxy": ("squad", "estimate", "reason_code")}),
    State.HANDLING: ("clerk_sun", {"complete": ("photos", "note", "closing_answers"),
                                   "request_extension": ("extension_value", "extension_unit"),
                                   "request_suspension": ("review_at", "expected_at"),
                                   "withdraw_return": ("request",)}),
}  # fmt: skip


@pytest.mark.parametrize("state", FIELD_OF)
def test_junk_in_any_field_of_an_action_is_refused_or_harmless(cast, api_of, state):
    name, actions = FIELD_OF[state]
    story = Story(cast).walk_to(state)
    if state is State.HANDLING:
        story.act("request_return", cast.clerk_sun)
    api = api_of(name)
    before = Case.objects.get(pk=story.case.pk)
    for action, fields in actions.items():
        for field in fields:
            for junk in JUNK:
                good = story.good_fields(action, cast.people[name])
                with transaction.atomic():  # what is harmless goes through, and is undone
                    answer = api.act(before, action, **{**good, field: junk})
                    transaction.set_rollback(True)
                where = f"{action} {field}={junk!r:.40}"
                assert answer.status_code in (200, 400, 409), (where, answer.content)
                assert answer.status_code == 200 or answer.json()["message"]


@pytest.mark.parametrize("version", ["1", 1.0, True, [], {}, -1, 0, 2**40, 10**30, "x"])
def test_a_version_that_nobody_saw_is_stale(acceptor, cast, assert_refused, version):
    case = Story(cast).case
    assert_refused(acceptor.act(case, "accept", version=version), 409, "stale_version")


# ── photos ────────────────────────────────────────────────────────────────────────────────────


def with_place(lon: float, lat: float, taken: str = "2026:03:16 09:00:00") -> bytes:
    """Return a picture whose EXIF says where and when it was taken."""
    exif = Image.Exif()
    exif[0x9003] = exif[0x0132] = taken
    exif[0x010F] = "SecretCamera"

    def parts(value: float) -> tuple[float, float, float]:
        degrees = math.floor(value)
        minutes = math.floor((value - degrees) * 60)
        return degrees, minutes, (value - degrees - minutes / 60) * 3600

    exif.get_ifd(0x8825).update({1: "N", 2: parts(lat), 3: "E", 4: parts(lon)})
    exif.get_ifd(0x8769)[0x9003] = taken
    return picture((400, 300), exif=exif.tobytes())


def bomb() -> bytes:
    """Return a small PNG that says it is 30,000 by 30,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + kind + data + check

    size = (30_000).to_bytes(4, "big")
    header = chunk(b"IHDR", size + size + b"\x08\x02\x00\x00\x00")
    data = chunk(b"IDAT", zlib.compress(b"\x00" * 100_000))
    return b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b"")


WHOLE = picture((800, 600))


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"This is a shopping list.", 400, "invalid_photo"),
        (b"", 400, "invalid_photo"),
        (b"\xff\xd8\xff\xe0" + b"\x00" * 1000, 400, "invalid_photo"),
        (WHOLE[: len(WHOLE) // 2], 400, "invalid_photo"),
        (bomb(), 400, "invalid_photo"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", 400, "invalid_photo"),
        (b"GIF89a" + b"\x01\x00\x01\x00\x00\x00\x00;", 400, "invalid_photo"),
        (b"\x00" * (40 * 1024 * 1024), 413, "too_large"),
    ],
    ids=["text", "empty", "head only", "truncated", "bomb", "svg", "gif", "40 MB"],
)
def test_what_is_no_photo_is_refused(collector, assert_refused, content, status, code):
    assert_refused(collector.upload(content), status, code, "file")
    assert not Photo.objects.exists()


def test_a_form_without_a_file_is_refused(collector, assert_refused):
    answer = collector.client.post("/api/v1/photos/", {"other": "x"}, format="multipart")
    assert_refused(answer, 400, "missing_field", "file")


def test_a_form_that_is_none_is_refused(collector):
    answer = collector.client.post(
        "/api/v1/photos/", b"--x\r\njunk", content_type="multipart/form-data; boundary=x"
    )
    assert answer.status_code == 400
    answer = collector.client.post("/api/v1/photos/", b"junk", content_type="multipart/form-data")
    assert answer.status_code == 400


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_real_photo_is_stored_in_two_sizes(collector, kind):
    answer = collector.upload(picture((2400, 1200), kind))
    assert answer.status_code == 201
    assert {"id", "width", "height", "taken_at"} == set(answer.json())
    assert (answer.json()["width"], answer.json()["height"]) == (1920, 960)


def test_place_and_time_are_read_and_then_stripped(collector, cast):
    lon, lat = cast.place
    answer = collector.upload(with_place(lon, lat))
    assert answer.json()["taken_at"] == "2026-03-16T01:00:00+00:00"
    photo = Photo.objects.get(pk=answer.json()["id"])
    assert photo.taken_at == datetime(2026, 3, 16, 1, tzinfo=UTC)
    assert abs(photo.taken_point.x - lon) < 1e-5
    assert abs(photo.taken_point.y - lat) < 1e-5
    for size in ("large", "small"):
        path = (
            Path(settings.MEDIA_ROOT)
            / f"photos/{photo.sha256[:2]}/{photo.sha256[2:4]}/{photo.sha256}-{size}.jpg"
        )
        content = path.read_bytes()
        assert not Image.open(io.BytesIO(content)).getexif()
        assert b"SecretCamera" not in content
        assert b"2026:03:16" not in content


def test_a_photo_of_another_place_is_refused(cast, api_of, assert_refused):
    story = Story(cast).walk_to(State.HANDLING)
    clerk = api_of("clerk_sun")
    lon, lat = cast.place
    far = clerk.upload(with_place(lon, lat + 0.02)).json()["id"]
    fields = story.good_fields("complete", cast.clerk_sun)
    answer = clerk.act(story.case, "complete", **{**fields, "photos": [far]})
    document = assert_refused(answer, 400, "invalid", "photos")
    assert "m away" in document["message"]
    near = clerk.upload(with_place(lon, lat)).json()["id"]
    answer = clerk.act(story.case, "complete", **{**fields, "photos": [near]})
    assert answer.status_code == 200


def test_a_photo_of_somebody_else_is_refused(collector, cast, assert_refused):
    theirs = photo_of(cast.collector_lin)
    assert_refused(collector.report(photos=[theirs]), 400, "invalid", "photos")
    assert not Case.objects.exists()
    assert collector.report(photos=[collector.photo()]).status_code == 201


def test_a_photo_is_used_once(collector, assert_refused):
    mine = collector.photo()
    assert collector.report(photos=[mine, mine]).status_code == 201
    assert CasePhoto.objects.count() == 1
    assert_refused(collector.report(photos=[mine]), 400, "invalid", "photos")
    assert Case.objects.count() == 1


def test_more_than_nine_photos_are_refused(collector, assert_refused):
    many = [collector.photo() for _each in range(10)]
    assert_refused(collector.report(photos=many), 400, "invalid", "photos")
    assert collector.report(photos=many[:9]).status_code == 201


# ── reading ───────────────────────────────────────────────────────────────────────────────────

READ = [
    "cases/",
    "cases/2026/",
    "cases/2026/events/",
    "events/",
    "grid/locate/",
    "catalogue/types/",
    "organisations/",
    "components/",
    "components/nearest/",
    "areas/",
    "places/",
    "components/1/",
    "meta/",
]
NAMES = (
    "state", "type", "department", "district", "cell", "light", "source", "q", "cursor",
    "reported_after", "reported_before", "ordering", "page_size", "after", "lon", "lat", "kind",
    "limit", "code", "on", "unknown",
)  # fmt: skip
STRANGE = ("", "\x00", "-1", "9" * 30, "9" * 5000, "1e999", "🚮", "x" * 2000)
# What a long answer looks at; the names that mean nothing to it are all sent at once.
LOOKED_AT = {"catalogue/types/": ("q", "kind")}


@pytest.mark.parametrize("path", READ)
def test_reading_with_any_query_never_fails(acceptor, path):
    Story(acceptor.cast)
    alone = LOOKED_AT.get(path, NAMES)
    together = [name for name in NAMES if name not in alone]
    for value in STRANGE:
        for names in (*((name,) for name in alone), together):
            query = dict.fromkeys(names, value)
            answer = acceptor.get(path, **query)
            assert answer.status_code in (200, 400, 404), (path, query, answer.content[:200])
            if answer.status_code != 200:
                assert answer.json()["message"]


@pytest.mark.parametrize("moment", ["0001-01-01", "9999-12-31T23:59:59+14:00", "2026-02-30", "now"])
def test_strange_moments_in_a_filter_never_fail(acceptor, moment):
    assert acceptor.get("cases/", reported_after=moment).status_code in (200, 400)


@pytest.mark.parametrize("number", ["%00", "%ff", "x" * 500, "..%2f", "2026'", "🚮"])
def test_strange_numbers_of_cases_are_not_found(acceptor, number):
    of_cases = f"cases/{number}/", f"cases/{number}/events/"
    for path in (*of_cases, f"components/{number}/", f"grid/cells/{number}/"):
        assert acceptor.client.get(f"/api/v1/{path}").status_code == 404
    answer = acceptor.post(f"cases/{number}/actions/accept/", {"version": 1})
    assert answer.status_code == 404


@pytest.mark.parametrize("count", ["00500000", "0050" + "0" * 5000, "0", "101"])
def test_no_number_of_rows_gets_past_the_most(acceptor, cast, assert_refused, count):
    lon, lat = cast.place
    for path, name, query in (
        ("components/", "page_size", {}),
        ("components/nearest/", "limit", {"lon": lon, "lat": lat}),
        ("places/", "limit", {"q": "路"}),
    ):
        assert_refused(acceptor.get(path, **query, **{name: count}), 400, "invalid", name)


def test_nothing_half_written_stays_after_a_refusal(cast, api_of, assert_refused):
    story = Story(cast).walk_to(State.HANDLING)
    events = CaseEvent.objects.count()
    answer = api_of("clerk_sun").act(
        story.case, "request_extension", reason="x", extension_value="0", extension_unit="day"
    )
    assert_refused(answer, 400, "invalid", "extension_value")
    assert (CaseEvent.objects.count(), ApprovalRequest.objects.count()) == (events, 0)
