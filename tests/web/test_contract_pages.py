"""Pages of contracts: every number opens exactly its list, and only to those whose it is."""

from __future__ import annotations

import html
import re
from datetime import date
from uuid import uuid4

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from common import clock
from evaluation.contracts.models import CollectionContract, ContractStatement, QualityDeduction
from evaluation.contracts.pages import StatementPage
from evaluation.contracts.printed import statement_data
from grid.models import Beat, BeatAssignment
from live.notifications.loading import load_notifications
from live.notifications.models import Notification
from live.notifications.wording import Wordings
from tests.api.evaluation.contracted import issued, manager_of_scouts
from tests.cast import NOW, browser_of

BASE = "/evaluation/contracts/"


def lists_on(page) -> list[tuple[str, int]]:
    found = re.findall(r'<a href="([^"]*)" data-list data-count="(\d+)"', page.text)
    return [(html.unescape(url), int(count)) for url, count in found]


def deduct(client, contract, **more):
    given = {
        "key": str(uuid4()),
        "lot": contract.lots.get().pk,
        "day": "2026-03-16",
        "kind": "poor_evidence",
        "amount": "1,20.5",
        "reason": "照片模糊",
    }
    return client.post(f"{BASE}deductions/", {**given, **more})


def test_a_month_is_drawn_up_issued_appealed_decided_and_agreed_on_its_pages(contract, page_of):
    zhao, he, ma = page_of("supervisor_zhao"), page_of("inspector_he"), page_of("manager_ma")
    key = str(uuid4())
    refused = deduct(zhao, contract, key=key)
    assert (refused.status_code, "照片模糊" in refused.text) == (400, True), (
        "what was typed is kept"
    )
    assert deduct(zhao, contract, key=key, amount="120.50").status_code == 302
    assert deduct(zhao, contract, key=key, amount="120.50").status_code == 302
    assert QualityDeduction.objects.count() == 1, "a double click books once"
    for odd, status in {"": 400, "0000-13": 400, "9999-12": 409}.items():
        assert zhao.post(f"{BASE}{contract.pk}/draw/", {"day": odd}).status_code == status
    drawn = zhao.post(f"{BASE}{contract.pk}/draw/", {"day": "2026-03"})
    assert drawn.status_code == 302
    address = drawn.url
    assert zhao.post(f"{BASE}{contract.pk}/draw/", {"day": "2026-03"}).status_code == 409
    assert ma.get(address).status_code == 404, "a draft is the centre's"
    page = he.get(address)
    assert len(lists_on(page)) == 7
    for url, count in lists_on(page):
        listed = he.get(url)
        assert listed.text.count("<tr data-entry>") == count, url
        assert f'data-length="{count}"' in listed.text
    seen = re.search(r'name="sha256" value="(\w{64})"', page.text)[1]
    assert he.post(f"{address}issue/", {"sha256": "0" * 64}).status_code == 409
    assert he.post(f"{address}issue/", {"sha256": seen}).status_code == 302
    assert he.post(f"{address}issue/", {"sha256": seen}).status_code == 409, "a double click"

    page = ma.get(address)
    for url, count in lists_on(page):
        assert ma.get(url).text.count("<tr data-entry>") == count, url
    due = re.search(r'name="due" value="(-?\d+)"', page.text)[1]
    form = f"{address}appeal/?line=eyes-1/missed"
    assert html.escape(form) in page.text.replace("%2F", "/")
    assert ma.post(form, {"reason": ""}).status_code == 400
    assert ma.post(form, {"reason": "不在责任网格内"}).status_code == 302
    assert ma.post(form, {"reason": "不在责任网格内"}).status_code == 409
    assert ma.post(f"{address}agree/", {"due": due}).status_code == 409, "an appeal waits"
    assert "/uphold/" not in he.get(address).text, "who issued does not decide"
    tang = page_of("leader_tang")
    decision = re.search(r'action="(\S*/appeals/\d+/)uphold/"', tang.get(address).text)[1]
    assert he.post(f"{decision}uphold/", {"answer": "x", "granted": "50"}).status_code == 403
    assert tang.post(f"{decision}uphold/", {"answer": "x", "granted": "1.005"}).status_code == 400
    assert tang.post(f"{decision}uphold/", {"answer": "属实", "granted": "50"}).status_code == 302
    assert ma.post(f"{address}agree/", {"due": due}).status_code == 409, "a stale page"
    assert "+50.00" in ma.get(address).text
    agreed = ma.post(f"{address}agree/", {"due": str(int(due) + 50_00)})
    assert agreed.status_code == 302
    assert ContractStatement.objects.get().state == "agreed"
    assert "Agree to" not in ma.get(address).text


def test_another_contractor_and_other_posts_see_nothing_of_it(cast, contract, page_of):
    statement = issued(cast, contract)
    far = browser_of(manager_of_scouts(cast))
    own = f"{BASE}statements/{statement.pk}/"
    for address in (own, f"{own}pdf/", f"{own}cases/?line=eyes-1/missed", f"{own}appeal/?line=x"):
        assert far.get(address).status_code == 404, address
    assert far.post(f"{own}agree/", {"due": "1"}).status_code == 404
    assert far.post(f"{own}agree/", {"due": "x"}).status_code == 404
    assert "Collection by eyes" not in far.get(BASE).text
    assert "Collection by scouts" in far.get(BASE).text
    assert deduct(far, contract).status_code == 403
    assert deduct(page_of("supervisor_zhao"), contract, amount="5").status_code == 302
    assert "照片模糊" not in far.get(f"{BASE}deductions/").text
    assert "照片模糊" in page_of("manager_ma").get(f"{BASE}deductions/").text
    for name in ("clerk_sun", "collector_chen", "acceptor_wang"):
        assert page_of(name).get(own).status_code == 403, name
    ma = page_of("manager_ma")
    for wrong in ("cases/", "cases/?line=eyes-1/fee", "cases/?line=x", "cases/?line=%00"):
        assert ma.get(f"{own}{wrong}").status_code == 404, wrong
    assert ma.get(f"{own}cases/?line=eyes-1/missed&page=x").status_code == 200


def test_a_statement_is_printed_in_both_languages_with_its_formulas(cast, contract, page_of):
    statement = issued(cast, contract)
    client = page_of("manager_ma")
    for language in ("en", "zh-hans"):
        headers = {"accept-language": language}
        printed = client.get(f"{BASE}statements/{statement.pk}/pdf/", headers=headers)
        assert printed.content.startswith(b"%PDF")
    data = statement_data(StatementPage(statement, cast.manager_ma, clock.now()))
    rows = [row for lot in data["lots"] for row in lot["rows"]]
    assert [row[3] for row in rows if "50.00" in row[2] and "×" in row[2]][-1:] == ["−50.00"]
    assert data["due"] == "29,355.00"


def test_pages_of_contracts_ask_little(cast, contract, page_of):
    statement = issued(cast, contract)
    for name in ("leader_tang", "manager_ma"):
        client = page_of(name)
        for address in ("", f"statements/{statement.pk}/", "deductions/",
                        f"statements/{statement.pk}/cases/?line=eyes-1/reports"):  # fmt: skip
            with CaptureQueriesContext(connection) as queries:
                assert client.get(f"{BASE}{address}").status_code == 200
            assert len(queries) <= 15, (address, [q["sql"] for q in queries])
    assert statement.issued_at > NOW


def test_an_administrator_enters_contracts_lots_and_terms(cast, page_of):
    client, days = page_of("administrator_bai"), {"valid_from": "2026-02-01", "valid_to": ""}
    base = "/admin/evaluation/"
    given = {"city": cast.city.pk, "number": "CJ-9", "name": "合同", "answer_days": "10", **days}
    wrong = {**given, "contractor": cast.bodies["sanitation"].pk}
    assert client.post(f"{base}collectioncontract/add/", wrong).status_code == 200
    right = {**given, "contractor": cast.bodies["eyes"].pk}
    assert client.post(f"{base}collectioncontract/add/", right).status_code == 302
    contract = CollectionContract.objects.get()
    area = BeatAssignment.objects.first().beat.cells.first().community.parent
    lot = {"contract": contract.pk, "code": "g-1", "name": "古荡", **days}
    added = client.post(f"{base}contractlot/add/", {**lot, "areas": [area.pk]})
    assert added.status_code == 302
    held = contract.lots.get()
    assert (
        held.beats.count()
        == Beat.objects.filter(cells__community__parent=area).distinct().count()
        > 1
    )
    again = client.post(f"{base}contractlot/add/", {**lot, "code": "g-2", "areas": [area.pk]})
    assert (again.status_code, "is in lot g-1" in again.text) == (200, True)
    terms = {"lot": held.pk, "valid_from": "2026-02-01", "fee": "30,000", "included_count": "0",
             "report": "2.5", "confirm_steps": "[]", "check_steps": "[]"}  # fmt: skip
    assert client.post(f"{base}lotterms/add/", terms).status_code == 302
    agreed = held.terms.get()
    assert (agreed.fee_fen, agreed.report_fen, agreed.ceiling_fen) == (30_000_00, 2_50, None)
    ended = {**lot, "valid_to": "2026-09-01"}
    assert client.post(f"{base}contractlot/{held.pk}/change/", ended).status_code == 302
    assert {row.valid_to for row in held.beats.all()} == {date(2026, 9, 1)}
    issued(cast, contract)
    page = client.get(f"{base}lotterms/{agreed.pk}/change/")
    assert ("30,000.00" in page.text, 'name="fee"' in page.text) == (True, False)
    assert client.post(f"{base}lotterms/{agreed.pk}/change/", terms).status_code == 403
    assert client.get(f"{base}contractlot/{held.pk}/change/").status_code == 200
    assert client.get(f"{base}contractstatement/").status_code == 200


def test_the_contractors_managers_are_told_of_a_statement_and_read_on_there(
    cast, contract, page_of
):
    load_notifications(cast.city)
    manager_of_scouts(cast)
    statement = issued(cast, contract)
    news = Notification.objects.get()
    assert news.person.username == "manager_ma", "nobody else's manager, nor the centre"
    ma = page_of("manager_ma")
    assert "Statement of 2026-03 issued: CJ-eyes" in ma.get("/notifications/").text
    assert "1 unread" in ma.get("/notifications/count/").text
    texts = Wordings.of_city(cast.city.pk)
    subject, body = texts.message([news], "email", "zh-hans")
    assert subject.startswith("2026-03 结算单已出具：CJ-eyes，请于")
    assert f"{BASE}statements/{statement.pk}/" in body
    opened = ma.post(f"/notifications/{news.pk}/open/")
    assert opened.url == f"{BASE}statements/{statement.pk}/"
    assert ma.get(opened.url).status_code == 200
    User.objects.filter(pk=news.person_id).update(organisation=cast.bodies["scouts"])
    moved = page_of("manager_ma")
    assert "CJ-eyes" not in moved.get("/notifications/?show=all").text
    assert moved.post(f"/notifications/{news.pk}/open/").status_code == 404
