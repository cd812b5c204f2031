"""Plates: given once, printed with a QR that leads to the right page, revoked and replaced."""

from __future__ import annotations

import io
import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
import zxingcpp
from django.conf import settings
from django.contrib.gis.geos import Point
from django.db import DatabaseError, connection, transaction
from django.test import Client, override_settings
from django.utils import timezone, translation
from kombu.exceptions import OperationalError
from PIL import Image

from accounts.models import City
from cases.models import Case
from cases.services import case_report
from common.typesetting import typeset_pdf, typeset_png
from components.documents.services import documents_expire
from components.models import CaseType, Component, Document, Plate, PlatePrint
from components.plates.codes import code_new
from components.plates.selectors import NoSuchPlate, plate_get, plates_of
from components.plates.services import plate_replace, plate_revoke, plates_give
from components.plates.sheets import SIZES, TEMPLATE, sheet_data
from components.services import component_create, component_retire
from components.tasks import make_document, start_document, take_up_documents
from grid.models import Area
from tests.cast import NOW

ALL = Component.objects.all()


def covers(cast, count: int) -> list[Component]:
    """Put so many manhole covers near the usual place."""
    return [
        component_create(
            actor=None,
            type=CaseType.objects.get(code="C0103"),
            geometry=Point(*cast.near(metres), srid=4326),
            competent_body=cast.bodies["water"],
            address="古荡路 1 号",
            on=NOW.date(),
        )
        for metres in range(1, count + 1)
    ]


@pytest.fixture
def plate(cast) -> Plate:
    """The plate of the usual component."""
    plates_give(actor=cast.administrator_bai, components=ALL, now=NOW)
    return Plate.objects.get(component=cast.component)


@pytest.fixture
def keeper(page_of) -> Client:
    """Whoever keeps the register."""
    return page_of("administrator_bai")


def anybody() -> Client:
    return Client(headers={"accept-language": "en"})


def sheet_page(plates, size: str = "medium", dots_per_inch: int = 200):
    data = sheet_data(plates, SIZES[size], "Gudang", NOW)
    return typeset_png(TEMPLATE, data, dots_per_inch=dots_per_inch)


def read_codes(picture: bytes) -> list[str]:
    return [code.text for code in zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))]


def fetch(client: Client, document: Document) -> bytes:
    answer = client.get(f"/components/documents/{document.pk}/file/")
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


# ── giving ────────────────────────────────────────────────────────────────────────────────────


def test_every_component_in_use_gets_one_plate_however_often_they_are_given(cast):
    covers(cast, 4)
    gone = covers(cast, 1)[0]
    component_retire(actor=None, component_id=gone.pk, on=NOW.date())
    assert plates_give(actor=cast.administrator_bai, components=ALL, now=NOW) == 5
    codes = set(Plate.objects.values_list("code", flat=True))
    assert plates_give(actor=cast.administrator_bai, components=ALL, now=NOW) == 0
    assert set(Plate.objects.values_list("code", flat=True)) == codes
    assert not Plate.objects.filter(component=gone).exists()


def test_a_code_that_was_given_before_is_drawn_anew(cast, monkeypatch):
    covers(cast, 2)
    same, other, third = code_new(), code_new(), code_new()
    drawn = iter([same, same, same, other, third])
    monkeypatch.setattr("components.plates.services.code_new", lambda: next(drawn))
    assert plates_give(actor=None, components=ALL, now=NOW) == 3
    assert set(Plate.objects.values_list("code", flat=True)) == {same, other, third}


def test_the_number_of_queries_of_giving_does_not_grow(cast, django_assert_max_num_queries):
    covers(cast, 30)
    with django_assert_max_num_queries(6):
        assert plates_give(actor=None, components=ALL, now=NOW) == 31


def test_the_database_keeps_a_plate_its_code_and_its_end(cast, plate):
    plate_revoke(actor=cast.administrator_bai, plate_id=plate.pk, reason="lost", now=NOW)
    for attempt in (
        "DELETE FROM components_plate",
        f"UPDATE components_plate SET code = '{code_new()}'",
        "UPDATE components_plate SET state = 'active', reason = '', revoked_at = NULL",
    ):
        with (
            pytest.raises(DatabaseError),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(attempt)


# ── where the QR leads ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", SIZES)
def test_the_qr_of_every_plate_on_a_sheet_is_read_back(cast, plate, size):
    covers(cast, 5)
    plates_give(actor=None, components=ALL, now=NOW)
    plates = list(plates_of(ALL))
    pages = sheet_page(plates, size)
    read = [text for page in pages for text in read_codes(page)]
    assert sorted(read) == sorted(f"https://city.example/q/{each.code}" for each in plates)


def test_a_scan_by_a_collector_opens_the_report_page_with_everything_filled(cast, plate, page_of):
    with translation.override("zh-hans"):
        (scanned,) = read_codes(sheet_page([plate])[0])
    collector = page_of("collector_chen")
    page = collector.get(scanned.removeprefix(settings.SITE_URL), follow=True)
    assert page.request["PATH_INFO"] == "/tasks/report/"
    form = page.context["form"]
    component = cast.component
    assert form["component"].value() == component.code
    assert form["type"].value() == component.type.code
    assert form["longitude"].value() == pytest.approx(component.point.x, abs=1e-6)
    sent = {name: form[name].value() for name in ("component", "type", "longitude", "latitude")}
    sent |= {"key": form["key"].value(), "source": "collector", "urgency": "normal"}
    assert collector.post("/tasks/report/", sent).status_code == 302
    assert Case.objects.get().component == component


def test_a_scan_by_an_acceptor_opens_the_call_page(plate, page_of):
    answer = page_of("acceptor_wang").get(f"/q/{plate.code}")
    assert answer["Location"] == f"/acceptance/call/?component={plate.component.code}"


def test_anybody_is_told_what_it_is_where_it_stands_and_what_to_do(cast, plate):
    page = anybody().get(f"/q/{plate.code}")
    text = page.content.decode()
    assert page.status_code == 200
    assert plate.component.type.name_en in text
    assert str(plate) in text
    assert 'href="tel:12345"' in text
    assert f"next=/q/{plate.code}" in text
    assert "no-cache" in page["Cache-Control"]


def test_anybody_is_told_that_a_problem_is_known_but_not_who_reported_or_handles_it(cast, plate):
    case = case_report(
        actor=cast.acceptor_wang,
        source="hotline",
        lon=cast.place[0],
        lat=cast.place[1],
        now=NOW,
        component_code=cast.component.code,
        description="坏了",
        reporter_name="张三",
        reporter_phone="13800000000",
        type_code=cast.component.type.code,
    )
    text = anybody().get(f"/q/{plate.code}").content.decode()
    assert "A problem with it is known." in text
    for secret in (case.number, "张三", "13800000000", "坏了", "sanitation", "acceptor_wang"):
        assert secret not in text


def test_whoever_reports_is_told_of_the_open_case(cast, plate, page_of):
    case = case_report(
        actor=cast.collector_chen,
        source="collector",
        lon=cast.place[0],
        lat=cast.place[1],
        now=NOW,
        component_code=cast.component.code,
        type_code=cast.component.type.code,
    )
    page = page_of("collector_chen").get(f"/q/{plate.code}", follow=True)
    assert case.number in page.content.decode()


def test_a_code_may_be_typed_in_any_case_with_or_without_hyphens(plate):
    for typed in (str(plate).lower(), f" {plate.code} ", plate.code.replace("0", "O")):
        assert anybody().get("/q/", {"code": typed}).status_code == 200
        assert str(plate) in anybody().get("/q/", {"code": typed}).content.decode()


def test_a_mistyped_code_is_told_from_an_unknown_one(plate):
    last = "0" if plate.code[-1] != "0" else "1"
    mistyped = anybody().get(f"/q/{plate.code[:-1]}{last}")
    assert mistyped.status_code == 400
    assert "mistyped" in mistyped.content.decode()
    unknown = anybody().get(f"/q/{code_new()}")
    assert unknown.status_code == 404
    assert "There is no plate with this code." in unknown.content.decode()


@pytest.mark.parametrize("text", ["x", "%00", "井盖", "a" * 3000, "..%2F..%2Fetc", "<script>"])
def test_nonsense_in_the_address_is_answered(plate, text):
    assert anybody().get(f"/q/{text}").status_code in {400, 404}


def test_who_guesses_must_wait_and_learns_nothing_meanwhile(plate):
    guesser = anybody()
    for _each in range(30):
        assert guesser.get(f"/q/{code_new()}").status_code == 404
    assert guesser.get(f"/q/{plate.code}").status_code == 429
    assert guesser.get(f"/q/{code_new()}").status_code == 429
    elsewhere = anybody().get(f"/q/{plate.code}", REMOTE_ADDR="10.1.1.1")
    assert elsewhere.status_code == 200


def test_scanning_good_plates_is_never_throttled(plate):
    visitor = anybody()
    assert {visitor.get(f"/q/{plate.code}").status_code for _each in range(40)} == {200}


# ── revoked, replaced, ended ──────────────────────────────────────────────────────────────────


def test_a_revoked_plate_says_so_and_leads_to_the_component_of_the_one_in_its_place(cast, plate):
    new = plate_replace(
        actor=cast.administrator_bai, plate_id=plate.pk, reason="damaged", now=NOW, note="锈蚀"
    )
    assert new.component == plate.component
    text = anybody().get(f"/q/{plate.code}").content.decode()
    assert "The city has revoked this plate." in text
    assert plate.component.type.name_en in text
    assert "锈蚀" not in text
    assert "revoked" not in anybody().get(f"/q/{new.code}").content.decode()


def test_a_revoked_plate_does_not_open_the_report_page_by_itself(cast, plate, page_of):
    plate_revoke(actor=cast.administrator_bai, plate_id=plate.pk, reason="misplaced", now=NOW)
    assert page_of("collector_chen").get(f"/q/{plate.code}").status_code == 200


def test_a_plate_of_a_component_that_was_replaced_leads_to_what_stands_there_now(cast, plate):
    (cover,) = covers(cast, 1)
    component_retire(actor=None, component_id=cast.component.pk, on=NOW.date())
    text = anybody().get(f"/q/{plate.code}").content.decode()
    assert "is no longer in use, and nothing stands in its place." in text
    Component.objects.filter(pk=cast.component.pk).update(ending="replaced", successor=cover)
    text = anybody().get(f"/q/{plate.code}").content.decode()
    assert "This stands there now" in text
    assert cover.type.name_en in text


def test_components_that_stand_for_each_other_do_not_lead_round_for_ever(cast, plate):
    (cover,) = covers(cast, 1)
    for one, other in ((cast.component, cover), (cover, cast.component)):
        Component.objects.filter(pk=one.pk).update(
            retired_date=NOW.date(), ending="merged", successor=other
        )
    assert anybody().get(f"/q/{plate.code}").status_code == 200


def test_a_plate_is_revoked_once_and_for_a_reason(keeper, plate):
    address = f"/components/plates/{plate.code}/"
    assert keeper.post(address, {"action": "revoke"}).status_code == 400
    assert keeper.post(address, {"action": "revoke", "reason": "lost"}).status_code == 302
    again = keeper.post(address, {"action": "revoke", "reason": "lost"})
    assert again.status_code == 400
    assert "revoked already" in again.content.decode()
    assert "Lost or stolen" in keeper.get(address).content.decode()


def test_a_replaced_plate_shows_its_whole_history(keeper, plate):
    address = f"/components/plates/{plate.code}/"
    answer = keeper.post(address, {"action": "replace", "reason": "damaged", "note": "锈蚀"})
    new = Plate.objects.get(component=plate.component, state="active")
    assert answer["Location"] == f"/components/plates/{new.code}/"
    text = keeper.get(answer["Location"]).content.decode()
    assert str(plate) in text
    assert "Unreadable: 锈蚀" in text


def test_a_component_no_longer_in_use_gets_no_new_plate(keeper, cast, plate):
    component_retire(actor=None, component_id=cast.component.pk, on=NOW.date())
    answer = keeper.post(
        f"/components/plates/{plate.code}/", {"action": "replace", "reason": "ended"}
    )
    assert answer.status_code == 400
    plate.refresh_from_db()
    assert plate.is_active


# ── sheets ────────────────────────────────────────────────────────────────────────────────────

GUDANG_STREET = {"area": "330106007"}


def test_plates_of_a_street_are_counted_given_and_printed_as_pdf(keeper, cast):
    covers(cast, 3)
    page = keeper.get("/components/plates/", GUDANG_STREET)
    assert page.context["counts"].missing == 4
    sent = GUDANG_STREET | {"types": ["C0103"]}
    assert keeper.post("/components/plates/", sent | {"action": "give"}).status_code == 302
    assert Plate.objects.count() == 3
    keeper.post("/components/plates/", GUDANG_STREET | {"action": "give"})
    answer = keeper.post("/components/plates/", sent | {"action": "print", "size": "small"})
    assert answer["Location"] == "/components/documents/"
    document = Document.objects.get()
    assert document.state == "ready"
    assert fetch(keeper, document).startswith(b"%PDF")
    assert PlatePrint.objects.count() == 3


def test_printing_again_is_recorded_and_new_plates_can_be_printed_alone(keeper, cast, plate):
    send = GUDANG_STREET | {"action": "print"}
    keeper.post("/components/plates/", send)
    assert Plate.objects.get().printed_at is not None
    nothing = keeper.post("/components/plates/", send | {"only_unprinted": "on"})
    assert nothing.status_code == 400
    keeper.post("/components/plates/", send)
    assert plate.prints.count() == 2
    covers(cast, 1)
    keeper.post("/components/plates/", GUDANG_STREET | {"action": "give"})
    keeper.post("/components/plates/", send | {"only_unprinted": "on"})
    assert sorted(PlatePrint.objects.values_list("plate", flat=True))[:2] == [plate.pk, plate.pk]
    assert PlatePrint.objects.count() == 3


def test_nobody_gives_revokes_or_prints_in_another_city(keeper, page_of, cast, plate):
    covers(cast, 1)
    ningbo = City.objects.create(code="330200", name="宁波市")
    Area.objects.update(city=ningbo)
    ALL.update(city=ningbo)
    assert keeper.get("/components/plates/", GUDANG_STREET).context["counts"] is None
    for action in ("give", "print"):
        keeper.post("/components/plates/", GUDANG_STREET | {"action": action})
    leader = page_of("leader_tang")
    assert leader.post("/components/atlas/", GUDANG_STREET).status_code == 400
    assert (Plate.objects.count(), Document.objects.count()) == (1, 0)
    address = f"/components/plates/{plate.code}/"
    assert keeper.post(address, {"action": "revoke", "reason": "lost"}).status_code == 404
    plate.refresh_from_db()
    assert plate.is_active
    found = leader.get("/communities/options/", {"search": "古荡"})
    assert (found.status_code, found.context["areas"]) == (200, [])


def test_many_plates_are_made_by_a_worker_in_files_of_whole_sheets(keeper, cast, monkeypatch):
    monkeypatch.setattr("components.plates.views.AT_ONCE", 1)
    monkeypatch.setattr("components.plates.sheets.PLATES_A_FILE", 3)
    covers(cast, 3)
    plates_give(actor=None, components=ALL, now=NOW)
    keeper.post("/components/plates/", GUDANG_STREET | {"action": "print", "size": "large"})
    archive = fetch(keeper, Document.objects.get())
    names = re.findall(rb"plates-\d{3}\.pdf", archive)
    assert set(names) == {b"plates-001.pdf", b"plates-002.pdf"}


def test_what_people_typed_is_printed_as_it_is(cast, plate):
    Component.objects.filter(pk=cast.component.pk).update(address='#panic("x") $ ] *粗* `')
    plate = plate_get(plate.code)
    data = sheet_data([plate], SIZES["medium"], "#let x = [", NOW)
    assert typeset_pdf(TEMPLATE, data).startswith(b"%PDF")


@override_settings(SITE_URL="")
def test_no_plate_is_printed_while_its_qr_would_lead_nowhere(keeper, plate):
    answer = keeper.post("/components/plates/", GUDANG_STREET | {"action": "print"})
    assert answer.status_code == 400
    assert "SITE_URL" in answer.content.decode()
    assert not Document.objects.exists()


def test_a_document_is_its_askers_alone(keeper, page_of, plate):
    keeper.post("/components/plates/", GUDANG_STREET | {"action": "print"})
    address = f"/components/documents/{Document.objects.get().pk}/file/"
    assert page_of("leader_tang").get(address).status_code == 404
    assert anybody().get(address).status_code == 302


@override_settings(X_ACCEL_PREFIX="/.media/")
def test_nginx_sends_the_file(keeper, plate):
    keeper.post("/components/plates/", GUDANG_STREET | {"action": "print"})
    document = Document.objects.get()
    answer = keeper.get(f"/components/documents/{document.pk}/file/")
    assert answer["X-Accel-Redirect"] == f"/.media/{document.path}"
    assert answer["Content-Type"] == "application/pdf"
    assert "attachment" in answer["Content-Disposition"]


def test_what_could_not_be_stored_does_not_count_as_printed(keeper, plate, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "full"
    settings.MEDIA_ROOT.write_text("no folder")
    send = GUDANG_STREET | {"action": "print", "only_unprinted": "on"}
    keeper.post("/components/plates/", send)
    plate.refresh_from_db()
    assert (Document.objects.get().state, plate.printed_at) == ("failed", None)
    settings.MEDIA_ROOT = tmp_path
    keeper.post("/components/plates/", send)
    plate.refresh_from_db()
    assert Document.objects.latest("pk").state == "ready"
    assert plate.printed_at is not None


def ask(cast, **changes) -> Document:
    given = {
        "kind": "plates",
        "title": "x",
        "options": {"plates": list(Plate.objects.values_list("pk", flat=True))},
        "language": "en",
        "asked_by": cast.administrator_bai,
        "asked_at": NOW,
        "alive_at": timezone.now(),
    }
    return Document.objects.create(**given | changes)


def test_a_document_no_worker_heard_of_is_taken_up(cast, plate):
    document = ask(cast, alive_at=timezone.now() - timedelta(minutes=1))
    assert take_up_documents() == 1
    document.refresh_from_db()
    assert document.state == "ready"


def test_a_document_whose_maker_died_is_begun_again_but_not_for_ever(cast, plate):
    silent = timezone.now() - timedelta(minutes=4)
    document = ask(cast, state="running", alive_at=silent, attempts=1)
    living = ask(cast, state="running", attempts=1)
    hopeless = ask(cast, state="running", alive_at=silent, attempts=3)
    assert take_up_documents() == 2
    states = [Document.objects.get(pk=each.pk).state for each in (document, living, hopeless)]
    assert states == ["ready", "running", "failed"]
    assert plate.prints.count() == 1


def test_documents_and_what_a_killed_maker_left_are_deleted_in_time(cast, plate, keeper):
    document = ask(cast)
    make_document(document.pk)
    document.refresh_from_db()
    file = Path(settings.MEDIA_ROOT) / document.path
    half = file.with_suffix(".half")
    half.write_bytes(b"half")
    assert documents_expire(now=document.finished_at + timedelta(days=29)) == 0
    assert file.exists()
    os.utime(half, (0, 0))
    assert documents_expire(now=document.finished_at + timedelta(days=31)) == 1
    assert not file.exists()
    assert not half.exists()
    assert keeper.get(f"/components/documents/{document.pk}/file/").status_code == 404
    assert "No longer kept" in keeper.get("/components/documents/").content.decode()


def test_a_document_is_kept_for_the_worker_while_the_broker_is_gone(cast, plate, monkeypatch):
    def no_broker(*_arguments):
        raise OperationalError("no broker")

    monkeypatch.setattr(make_document, "delay", no_broker)
    document = ask(cast)
    start_document(document)
    document.refresh_from_db()
    assert document.state == "waiting"


def test_a_double_click_asks_for_one_document(keeper, plate, monkeypatch):
    monkeypatch.setattr("components.plates.views.AT_ONCE", 0)
    monkeypatch.setattr("components.plates.views.start_document", lambda document: None)
    for _click in range(2):
        keeper.post("/components/plates/", GUDANG_STREET | {"action": "print"})
    assert Document.objects.count() == 1
    assert "hx-trigger" in keeper.get("/components/documents/").content.decode()


def test_a_fault_while_making_is_told_and_leaves_nothing_printed(keeper, plate, monkeypatch):
    def break_down(*_args, **_options):
        raise RuntimeError("no paper")

    monkeypatch.setattr("components.plates.printing.sheet_pdf", break_down)
    keeper.post("/components/plates/", GUDANG_STREET | {"action": "print"})
    assert Document.objects.get().state == "failed"
    assert not PlatePrint.objects.exists()
    assert "Something went wrong" in keeper.get("/components/documents/").content.decode()


# ── the admin ─────────────────────────────────────────────────────────────────────────────────


def test_chosen_components_get_plates_and_their_sheets_in_the_admin(keeper, cast):
    chosen = {"_selected_action": [cast.component.pk]}
    listed = "/admin/components/component/"
    assert keeper.post(listed, chosen | {"action": "give_plates"}).status_code == 302
    plate = Plate.objects.get()
    answer = keeper.post(listed, chosen | {"action": "print_plates"})
    assert answer["Location"] == "/components/documents/"
    assert plate.prints.count() == 1
    page = keeper.get("/admin/components/plate/", {"q": str(plate).lower()})
    assert str(plate) in page.content.decode()


def test_the_running_program_may_give_and_print(as_app_role, cast):
    assert plates_give(actor=None, components=ALL, now=NOW) == 1


def test_nobody_has_a_plate_that_was_never_given(cast):
    with pytest.raises(NoSuchPlate):
        plate_get(code_new())
