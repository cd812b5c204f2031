"""Exports: exactly what is filtered, in four formats, for who asked and nobody else."""

from __future__ import annotations

import csv
import json
from datetime import date, timedelta

import openpyxl
import pyogrio
import pytest
from django.contrib.gis.geos import LineString, Point
from django.utils import timezone

from common.errors import DomainError
from components.models import CaseType, Component
from components.register.exports import services
from components.register.exports.services import (
    export_path,
    export_run,
    export_start,
    exports_forget,
    exports_resume,
)
from components.register.models import Export
from components.services import component_create
from tests.cast import NOW, Cast, browser_of

TODAY = date(2026, 3, 16)


@pytest.fixture
def covers(cast: Cast) -> list[Component]:
    """Three covers, one of them with words a spreadsheet would run."""
    return [make(cast, 5, name="=HYPERLINK(1)"), make(cast, 9, address="+86 路"), make(cast, 12)]


def make(cast: Cast, metres: float, code: str = "C0103", **values) -> Component:
    lon, lat = cast.near(metres)
    given = {
        "actor": None,
        "type": CaseType.objects.get(code=code),
        "geometry": Point(lon, lat, srid=4326),
        "competent_body": cast.bodies["water"],
        "on": TODAY,
    }
    return component_create(**{**given, **values})


@pytest.fixture
def export(cast: Cast):
    def write(file_format: str, name: str = "acceptor_wang", language="en", **query) -> Export:
        asked = export_start(
            actor=cast.people[name],
            query=query,
            file_format=file_format,
            language=language,
            now=NOW,
        )
        return export_run(export_id=asked.pk)

    return write


def codes_of(components: list[Component]) -> set[str]:
    return {component.code for component in components}


def test_csv_holds_exactly_the_filter_and_no_formula(export, covers):
    done = export("csv", type="C0103")
    raw = export_path(done).read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf"), "a mark, so that spreadsheets see Chinese"
    rows = list(csv.DictReader(raw.decode("utf-8-sig").splitlines()))
    assert {row["identification code"] for row in rows} == codes_of(covers)
    assert {row["name"] for row in rows} == {"'=HYPERLINK(1)", ""}
    assert "'+86 路" in {row["address"] for row in rows}
    assert {row["state"] for row in rows} == {"Intact"}
    assert (done.state, done.row_count) == ("done", 3)
    assert done.size_bytes == len(raw)


def test_excel_keeps_codes_as_text_and_runs_nothing(export, covers):
    book = openpyxl.load_workbook(export_path(export("xlsx", type="C0103", language="zh-hans")))
    rows = list(book.active.iter_rows(values_only=True))
    assert rows[0][0] == "标识码"
    assert {row[0] for row in rows[1:]} == codes_of(covers)
    cells = [cell for row in book.active.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    assert any(cell.value == "'=HYPERLINK(1)" for cell in cells)


def test_a_workbook_goes_on_in_another_sheet(export, covers, monkeypatch):
    monkeypatch.setattr("components.register.exports.writers.SHEET_ROWS", 2)
    book = openpyxl.load_workbook(export_path(export("xlsx", type="C0103")))
    assert [sheet.max_row - 1 for sheet in book] == [2, 1]


def test_geojson_has_the_shapes_and_attributes(export, cast):
    lon, lat = cast.place
    rail = make(cast, 0, "C0211", geometry=LineString((lon, lat), (lon + 0.001, lat), srid=4326))
    cover = make(cast, 5, attributes={"diameter_mm": 700})
    document = json.loads(export_path(export("geojson", q="0103")).read_text())
    assert [each["properties"]["code"] for each in document["features"]] == [cover.code]
    assert document["features"][0]["properties"]["attributes"] == {"diameter_mm": 700}
    assert document["features"][0]["geometry"]["coordinates"] == pytest.approx(cover.point.coords)
    document = json.loads(export_path(export("geojson", type="C0211")).read_text())
    assert document["features"][0]["geometry"]["type"] == "LineString"
    assert document["features"][0]["properties"]["code"] == rail.code


def test_a_geopackage_is_read_by_gdal(export, covers, monkeypatch):
    monkeypatch.setattr("components.register.exports.writers.CHUNK", 2)
    path = export_path(export("gpkg", type="C0103"))
    info = pyogrio.read_info(path)
    assert (info["features"], info["crs"]) == (3, "EPSG:4326")
    _meta, _ids, shapes, fields = pyogrio.raw.read(path, columns=["code"])
    assert set(fields[0]) == codes_of(covers)
    assert all(len(shape) == 21 for shape in shapes), "points as WKB"


@pytest.mark.parametrize("file_format", ["csv", "xlsx", "geojson", "gpkg"])
def test_an_export_without_rows_is_a_file_too(export, cast, file_format):
    done = export(file_format, type="C0118")
    assert (done.state, done.row_count) == ("done", 0)
    assert done.size_bytes > 0


def test_a_partner_and_a_collector_export_nothing(cast):
    for name in ("partner_dong", "collector_chen", "root"):
        with pytest.raises(DomainError) as refused:
            export_start(
                actor=cast.people[name], query={}, file_format="csv", language="en", now=NOW
            )
        assert refused.value.code == "role_refused"


def test_what_means_nothing_is_refused(cast):
    for query, file_format, field in (({}, "pdf", "format"), ({"type": "C9999"}, "csv", "type")):
        with pytest.raises(DomainError) as refused:
            export_start(
                actor=cast.acceptor_wang,
                query=query,
                file_format=file_format,
                language="en",
                now=NOW,
            )
        assert field in refused.value.fields


def test_five_wait_at_most(cast):
    def ask(state: str):
        given = {"file_format": "csv", "language": "en", "now": NOW}
        export_start(actor=cast.acceptor_wang, query={"state": state}, **given)

    for states in ("intact", "damaged", "lost", "abandoned", "damaged,lost"):
        ask(states)
    with pytest.raises(DomainError) as refused:
        ask("intact,lost")
    assert (refused.value.code, refused.value.status) == ("too_many", 409)


def test_too_much_for_excel_is_said_at_once(cast, monkeypatch):
    monkeypatch.setattr(services, "MAX_EXCEL", -1)
    with pytest.raises(DomainError) as refused:
        export_start(actor=cast.acceptor_wang, query={}, file_format="xlsx", language="en", now=NOW)
    assert refused.value.status == 413


def test_an_export_is_written_once(export, cast):
    done = export("csv")
    assert export_run(export_id=done.pk) is None
    assert export_run(export_id=0) is None


def test_what_a_dead_worker_left_is_written_by_another(export, cast):
    done = export("csv")
    rows = Export.objects.filter(pk=done.pk)
    rows.update(state="running", beat_at=timezone.now())
    assert export_run(export_id=done.pk) is None, "somebody is at it"
    assert exports_resume() == 0
    rows.update(beat_at=timezone.now() - timedelta(minutes=5))
    assert exports_resume() == 1
    assert export_run(export_id=done.pk).state == "done"


def test_a_failure_is_told(export, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / "exports").write_text("a file where the folder should be")
    failed = export("csv")
    assert failed.state == "failed"
    assert "could not be written" in failed.failure
    (tmp_path / "exports").unlink()
    assert export("csv").state == "done"
    assert [path.suffix for path in (tmp_path / "exports").iterdir()] == [".csv"]


def test_old_exports_are_forgotten_with_their_files(export):
    done = export("csv")
    assert exports_forget(now=NOW + timedelta(days=6)) == 0
    assert export_path(done).exists()
    assert exports_forget(now=NOW + timedelta(days=8)) == 1
    assert not export_path(done).exists()


def test_a_file_asked_for_twice_is_written_once(cast, covers):
    browser = browser_of(cast.acceptor_wang)
    for sent in ({"format": "csv"}, {"format": "csv"}, {"format": "xlsx"}):
        answer = browser.post("/components/exports/", {"type": "C0103", **sent})
        assert answer.status_code == 302
    assert sorted(Export.objects.values_list("format", flat=True)) == ["csv", "xlsx"]
    Export.objects.update(state="done")
    browser.post("/components/exports/", {"type": "C0103", "format": "csv"})
    assert Export.objects.count() == 3, "a file of now, not the one of then"


# ── on the pages ──────────────────────────────────────────────────────────────────────────────


def test_the_page_asks_for_what_the_ledger_shows(cast, covers):
    browser = browser_of(cast.acceptor_wang)
    page = browser.get("/components/?type=C0103").text
    assert '<input type="hidden" name="type" value="C0103">' in page
    assert (
        browser.post("/components/exports/", {"type": "C0103", "format": "csv"}).status_code == 302
    )
    assert Export.objects.get().filter == {"type": "C0103"}
    assert "hx-trigger" in browser.get("/components/exports/").text, "looks again while it waits"


def test_only_who_asked_fetches_the_file(cast, export, covers, settings):
    done = export("csv", type="C0103")
    address = f"/components/exports/{done.pk}/file/"
    answer = browser_of(cast.acceptor_wang).get(address)
    assert b"".join(answer.streaming_content).startswith(b"\xef\xbb\xbf")
    assert answer["Content-Disposition"].startswith("attachment")
    assert browser_of(cast.acceptor_wu).get(address).status_code == 404
    assert browser_of(cast.administrator_bai).get(address).status_code == 404
    assert address not in browser_of(cast.acceptor_wu).get("/components/exports/").text
    assert address in browser_of(cast.acceptor_wang).get("/components/exports/").text
    settings.X_ACCEL_PREFIX = "/.media/"
    sent = browser_of(cast.acceptor_wang).get(address)
    assert sent["X-Accel-Redirect"] == f"/.media/exports/{done.key.hex}.csv"
