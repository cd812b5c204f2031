"""Statements pay what was agreed for what was counted, stay as issued, and are appealed on."""

from __future__ import annotations

import random
from datetime import date
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from cases.workflow import State
from common.errors import DomainError
from evaluation.contracts.admin import LotForm, TermsForm
from evaluation.contracts.amounts import DEDUCTED, LineKind
from evaluation.contracts.appeals import line_appeal, line_appeal_decide, line_appeal_reverse
from evaluation.contracts.deductions import deduction_book, deduction_withdraw
from evaluation.contracts.models import (
    ContractLot,
    ContractStatement,
    CounterLine,
    LineAppeal,
    LotBeat,
    LotTerms,
    QualityDeduction,
)
from evaluation.contracts.quantities import BEHIND, BEHIND_OF, Ground
from evaluation.contracts.statements import (
    statement_agree,
    statement_compute,
    statement_draw,
    statement_due,
    statement_issue,
    statements_draft,
)
from evaluation.contracts.told import statement_read
from evaluation.frozen import digest
from evaluation.models import EvaluationPolicy, Fact
from grid.models import Beat
from live.services import events_sequence
from tests.api.evaluation.contracted import (
    APRIL_3,
    DAY,
    MARCH_1,
    contract_of,
    contracts_of,
    issued,
    manager_of_scouts,
    read,
)
from tests.cast import NOW, Story

MISSED = "eyes-1/missed"


def why(call, **kwargs) -> str:
    with pytest.raises(DomainError) as refused, transaction.atomic():
        call(**kwargs)
    return refused.value.code


def amounts(statement) -> dict[str, int]:
    return {key: line.amount_fen for key, _lot, line in statement_read(statement).lines()}


def book(cast, contract, **more) -> QualityDeduction:
    given = {
        "actor": cast.supervisor_zhao,
        "key": uuid4(),
        "lot_id": contract.lots.get().pk,
        "day": NOW.date(),
        "kind": "false_report",
        "amount_fen": 120_00,
        "reason": "照片与现场不符",
        "now": APRIL_3,
    }
    return deduction_book(**{**given, **more})


def lists_agree(statement) -> int:
    """Assert that every quantity is the length of its list; returns how many were compared."""
    told, compared = statement_read(statement), 0
    for _key, lot, line in told.lines():
        for table, count in ((BEHIND, line.quantity), (BEHIND_OF, line.of)):
            if lot is not None and line.kind in table:
                lists = told.counted(lot, statement).lists(table[line.kind], APRIL_3)
                assert sum(len(behind.rows()) for behind in lists) == count, line
                compared += 1
    return compared


def test_a_statement_pays_what_was_counted_on_the_beats_of_the_lot(cast, contract):
    book(cast, contract)
    assert Fact.objects.filter(kind="missed").count() == 2, "a case, by two collectors"
    statement = issued(cast, contract)
    assert amounts(statement) == {
        "eyes-1/fee": 30_000_00,
        "eyes-1/reports": 2 * 2_50,  # three valid, one covered
        MISSED: -50_00,
        "eyes-1/confirm": 0,
        "eyes-1/check": -600_00,  # one of two late: 2 % of the fee
        "eyes-1/quality": -120_00,
    }
    assert statement.total_fen == sum(amounts(statement).values()) == 29_235_00
    assert digest(statement.content) == statement.sha256
    assert lists_agree(statement) == 6
    other = issued(cast, cast.bodies["scouts"].collection_contracts.get())
    assert amounts(other)["scouts-1/fee"] == other.total_fen == 30_000_00, "nothing of eyes"


def test_a_cell_that_two_lots_share_is_paid_for_once(cast, contract):
    beat = contract.lots.get().beats.get().beat
    shared, own = beat.cells.first(), beat.cells.last()
    other = Beat.objects.create(city=cast.city, code="also", name="另", valid_from=beat.valid_from)
    other.cells.set(beat.cells.all())
    days = {"valid_from": date(2026, 3, 10), "valid_to": date(2026, 3, 20)}
    second = ContractLot.objects.create(contract=contract, code="eyes-2", name="二", **days)
    LotBeat.objects.create(lot=second, beat=other, **days)
    LotTerms.objects.create(lot=second, fee_fen=0, report_fen=2_50, valid_from=MARCH_1)
    statement = issued(cast, contract)
    assert amounts(statement)["eyes-1/reports"] == 2 * 2_50
    assert amounts(statement)["eyes-2/reports"] == 0
    first = Ground(((MARCH_1, date(2026, 4, 1), (shared.pk, own.pk)),))
    left = first.without(((*days.values(), (shared.pk,)),))
    assert [(a.day, b.day, len(cells)) for a, b, cells in sorted(left.spans)] == [
        (1, 10, 2),
        (10, 20, 1),
        (20, 1, 2),
    ]


def late_check(cast) -> None:
    """Close one more case of March, its check in time, written after the freeze."""
    Story(cast, metres=75).walk_to(State.CLOSED)
    read()


def test_what_was_issued_stays_byte_for_byte_and_a_supplement_pays_the_difference(cast, contract):
    statement = issued(cast, contract)
    content, lot = statement.content, contract.lots.get()
    again = {"actor": cast.inspector_he, "contract_id": contract.pk, "day": MARCH_1, "now": APRIL_3}
    assert why(statement_draw, **again, reason="补结") == "not_possible", "nothing came"
    late_check(cast)
    book(cast, contract, amount_fen=30_00)
    LotTerms.objects.filter(lot=lot).update(fee_fen=1, missed_fen=99_00)
    lot.beats.get().beat.cells.clear()
    type(cast.bodies["eyes"]).objects.filter(code="eyes").update(name="新名", is_active=False)
    statement.refresh_from_db()
    assert statement.content == content
    assert lists_agree(statement) == 6
    LotTerms.objects.filter(lot=lot).update(fee_fen=30_000_00, missed_fen=50_00)
    lot.beats.get().beat.cells.set(statement_read(statement).lots[0].ground.spans[0][2])

    assert why(statement_draw, **again) == "missing_field"
    supplement = issued(cast, contract, reason="迟到的事实")
    found = amounts(supplement)
    assert (supplement.number, found["/settled"]) == (1, -statement.total_fen)
    assert found["eyes-1/reports"] == 3 * 2_50
    assert supplement.total_fen == 2_50 - 30_00, "one report more, one deduction more"
    assert lists_agree(supplement) == 6
    assert "新名" in supplement.content
    assert why(statement_draw, **again, reason="再补") == "not_possible"
    for change in (
        lambda: ContractStatement.objects.filter(pk=statement.pk).update(content="{}"),
        lambda: ContractStatement.objects.filter(pk=statement.pk).update(total_fen=0),
        lambda: ContractStatement.objects.filter(pk=statement.pk).update(state="draft"),
        lambda: ContractStatement.objects.filter(pk=statement.pk).delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_what_comes_late_counts_in_the_next_month_where_the_city_says_so(cast, contract):
    EvaluationPolicy.objects.update(late_facts="next")
    issued(cast, contract)
    late_check(cast)
    book(cast, contract)
    march = {"actor": cast.inspector_he, "contract_id": contract.pk, "day": MARCH_1}
    assert why(statement_draw, **march, reason="补", now=APRIL_3) == "not_possible"
    april = issued(cast, contract, day=date(2026, 4, 1), now=NOW + 60 * DAY)
    lines = {line.kind: line for _key, _lot, line in statement_read(april).lines()}
    assert lines[LineKind.REPORTS].quantity == 1
    assert (lines[LineKind.CHECK].quantity, lines[LineKind.CHECK].of) == (0, 1)
    assert lines[LineKind.QUALITY].amount_fen == -120_00
    assert lists_agree(april) == 6
    may = issued(cast, contract, day=date(2026, 5, 1), now=NOW + 90 * DAY)
    counted = [line.quantity for _k, _l, line in statement_read(may).lines()]
    assert sum(counted[1:]) == 0, "once only"


def test_who_may_draw_up_and_issue_and_in_which_order(cast, contract):
    he, zhao, tang = cast.inspector_he, cast.supervisor_zhao, cast.leader_tang
    draw = {"contract_id": contract.pk, "day": MARCH_1, "now": APRIL_3}
    assert why(statement_draw, actor=tang, **draw) == "role_refused"
    assert why(statement_draw, actor=cast.manager_ma, **draw) == "role_refused"
    assert why(statement_draw, actor=zhao, **{**draw, "now": NOW}) == "not_possible"
    assert why(statement_draw, actor=zhao, **{**draw, "contract_id": 0}) == "not_found"
    early = {**draw, "day": date(2025, 12, 1)}
    assert why(statement_draw, actor=zhao, **early) == "not_possible", "before the contract"
    drawn = statement_draw(actor=zhao, **draw)
    assert why(statement_draw, actor=zhao, **draw) == "not_possible", "a draft is open"
    late_check(cast)
    fresh = statement_compute(actor=zhao, statement_id=drawn.pk, now=APRIL_3)
    assert fresh.sha256 != drawn.sha256
    step = {"statement_id": drawn.pk, "now": APRIL_3}
    assert why(statement_issue, actor=zhao, sha256=fresh.sha256, **step) == "role_refused"
    assert why(statement_issue, actor=he, sha256=drawn.sha256, **step) == "stale_version"
    assert why(statement_issue, actor=cast.manager_ma, sha256="", **step) == "not_found"
    he.organisation = cast.bodies["eyes"]
    assert why(statement_issue, actor=he, sha256=fresh.sha256, **step) == "same_person"
    statement_issue(actor=tang, sha256=fresh.sha256, **step)
    assert why(statement_issue, actor=tang, sha256=fresh.sha256, **step) == "stale_version"
    assert why(statement_compute, actor=zhao, **step) == "stale_version"
    Story(cast, metres=90)
    events_sequence()
    scouts = cast.bodies["scouts"].collection_contracts.get()
    behind = {**draw, "contract_id": scouts.pk}
    assert why(statement_draw, actor=zhao, **behind) == "not_possible", "facts are behind"


def appeal_on(cast, statement, line=MISSED, **more) -> LineAppeal:
    given = {"actor": cast.manager_ma, "reason": "该案件不在责任网格内", "now": APRIL_3 + DAY}
    return line_appeal(statement_id=statement.pk, line=line, **{**given, **more})


def test_an_appeal_is_decided_by_somebody_else_and_agreed_to_at_last(cast, contract):
    statement = issued(cast, contract)
    ma, he, tang = cast.manager_ma, cast.inspector_he, cast.leader_tang
    step = {"statement_id": statement.pk, "now": APRIL_3 + 2 * DAY}
    assert why(appeal_on, cast=cast, statement=statement, reason=" ") == "missing_field"
    assert why(appeal_on, cast=cast, statement=statement, line="eyes-1/x") == "not_found"
    assert why(appeal_on, cast=cast, statement=statement, actor=he) == "role_refused"
    far = manager_of_scouts(cast)
    assert why(appeal_on, cast=cast, statement=statement, actor=far) == "not_found"
    assert why(appeal_on, cast=cast, statement=statement, now=NOW + 40 * DAY) == "not_possible"
    appeal = appeal_on(cast, statement)
    assert why(appeal_on, cast=cast, statement=statement) == "not_possible", "one at a time"
    due = statement_due(statement)
    assert why(statement_agree, actor=ma, due_fen=due, **step) == "not_possible"
    decide = {"appeal_id": appeal.pk, "uphold": True, "answer": "属实", "now": APRIL_3 + 2 * DAY}
    given = {**decide, "granted_fen": 50_00}
    assert why(line_appeal_decide, actor=he, **given) == "same_person", "who issued it"
    assert why(line_appeal_decide, actor=ma, **given) == "role_refused"
    tang.organisation, home = cast.bodies["eyes"], tang.organisation
    assert why(line_appeal_decide, actor=tang, **given) == "same_person", "of the contractor"
    tang.organisation = home
    assert why(line_appeal_decide, actor=tang, **{**given, "granted_fen": 50_01}) == "invalid"
    assert why(line_appeal_decide, actor=tang, **{**given, "answer": ""}) == "missing_field"
    content = statement.content
    line_appeal_decide(actor=tang, **given)
    assert why(line_appeal_decide, actor=tang, **given) == "not_possible", "twice"
    statement.refresh_from_db()
    assert (statement.content, statement.state) == (content, "issued")
    assert statement_due(statement) == due + 50_00
    assert why(statement_agree, actor=ma, due_fen=due, **step) == "stale_version", "old amount"
    assert why(statement_agree, actor=far, due_fen=due, **step) == "not_found"
    assert why(statement_agree, actor=tang, due_fen=due + 50_00, **step) == "role_refused"
    statement_agree(actor=ma, due_fen=due + 50_00, **step)
    assert why(statement_agree, actor=ma, due_fen=due + 50_00, **step) == "stale_version"
    assert why(appeal_on, cast=cast, statement=statement, line="eyes-1/fee") == "not_possible"
    undo = {"actor": tang, "appeal_id": appeal.pk, "now": APRIL_3}
    assert why(line_appeal_reverse, **undo) == "not_possible", "it is final"
    for change in (
        lambda: CounterLine.objects.update(amount_fen=1),
        lambda: ContractStatement.objects.filter(pk=statement.pk).update(state="issued"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_appeals_and_their_reversals_leave_the_amount_as_it_was(cast, contract):
    book(cast, contract)
    statement, chance = issued(cast, contract), random.Random(7)
    before = statement_due(statement)
    lines = [key for key, _lot, line in statement_read(statement).lines()]
    kinds = {key: line for key, _lot, line in statement_read(statement).lines()}
    for turn in range(3):
        granted = {}
        for key in chance.sample(lines, len(lines)):
            line = kinds[key]
            most = -line.amount_fen if line.kind in DEDUCTED else 10_000_00
            appeal = appeal_on(cast, statement, line=key)
            uphold = most > 0 and chance.random() < 0.8
            amount = chance.randint(1, most) if uphold else 0
            line_appeal_decide(
                actor=cast.leader_tang,
                appeal_id=appeal.pk,
                uphold=uphold,
                answer="复核",
                granted_fen=amount,
                now=APRIL_3 + DAY,
            )
            if uphold:
                granted[appeal.pk] = amount
            else:
                lines.remove(key)  # rejected: once and for all
            assert statement_due(statement) == before + sum(granted.values())
        for appeal_id in chance.sample(sorted(granted), len(granted)):
            line_appeal_reverse(actor=cast.leader_tang, appeal_id=appeal_id, now=APRIL_3 + DAY)
        assert statement_due(statement) == before, turn
    statement.refresh_from_db()
    assert statement.total_fen == sum(line.amount_fen for line in kinds.values()) == before


def test_a_deduction_is_booked_once_and_stays_once_it_was_issued(cast, contract):
    key = uuid4()
    case = Story(cast, metres=99).case
    first = book(cast, contract, key=key, case_number=case.number)
    assert book(cast, contract, key=key).pk == first.pk, "sent twice"
    assert first.case == case
    for wrong, code in (
        ({"actor": cast.acceptor_wang}, "role_refused"),
        ({"lot_id": 0}, "not_found"),
        ({"day": date(2025, 3, 1)}, "invalid"),
        ({"day": date(2026, 9, 1)}, "invalid"),
        ({"kind": "x"}, "invalid"),
        ({"amount_fen": 0}, "invalid"),
        ({"reason": " "}, "missing_field"),
        ({"case_number": "0"}, "invalid"),
    ):
        assert why(book, cast=cast, contract=contract, **wrong) == code, wrong
    read()
    draw = {"contract_id": contract.pk, "day": MARCH_1, "now": APRIL_3}
    drawn = statement_draw(actor=cast.inspector_he, **draw)
    back = {"actor": cast.supervisor_zhao, "deduction_id": first.pk, "now": APRIL_3}
    deduction_withdraw(**back)
    assert why(deduction_withdraw, **back) == "stale_version"
    step = {"actor": cast.inspector_he, "statement_id": drawn.pk, "now": APRIL_3}
    assert why(statement_issue, sha256=drawn.sha256, **step) == "stale_version"
    second = book(cast, contract)
    fresh = statement_compute(**step)
    assert amounts(fresh)["eyes-1/quality"] == -120_00
    statement_issue(sha256=fresh.sha256, **step)
    assert why(deduction_withdraw, **{**back, "deduction_id": second.pk}) == "not_possible"


@pytest.fixture
def agreed(cast):
    """The contracts without a case."""
    return contracts_of(cast)


def test_no_beat_is_in_two_lots_on_one_day(cast, agreed):
    held = agreed.lots.get().beats.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        contract_of(cast, "squad", held.beat)
    other = cast.bodies["scouts"].collection_contracts.get().lots.get()
    again = LotBeat(lot=other, beat=held.beat, valid_from=MARCH_1, valid_to=date(2026, 4, 1))
    with pytest.raises(ValidationError, match=r"another lot|另一标段"):
        again.full_clean()
    area = held.beat.cells.first().community
    form = {"contract": other.contract_id, "code": "s-2", "name": "二", "areas": [area.pk]}
    days = {"valid_from": "2026-03-01", "valid_to": "2026-04-01"}
    assert "areas" in LotForm({**form, **days}).errors
    days["valid_to"] = "2028-01-01"
    assert LotForm({**form, **days, "areas": []}).errors, "beyond its contract"


def test_terms_have_to_add_up_and_stay_once_something_was_issued(cast, agreed):
    lot = agreed.lots.get()
    good = {"lot": lot.pk, "valid_from": "2026-04-01", "fee": "31,000.00", "included_count": "0",
            "confirm_steps": "[]", "check_steps": "[]"}  # fmt: skip
    assert not TermsForm(good).errors
    for wrong in (
        {"ceiling": "5"},  # a limit for reports without a price
        {"report": "5", "ceiling": "4"},
        {"shortfall": "1"},  # nothing is covered
        {"fee": "1.005"},
        {"most_deducted": "1.5"},
        {"confirm_steps": '[{"at_least": "0.9", "share": "0"}]'},
        {"confirm_steps": '[{"share": "0.6"}]', "check_steps": '[{"share": "0.6"}]'},
    ):
        assert TermsForm({**good, **wrong}).errors, wrong
    issued(cast, agreed)
    assert not TermsForm(good).errors
    assert "valid_from" in TermsForm({**good, "valid_from": "2026-03-31"}).errors


def test_last_months_statements_are_drawn_up_once_by_themselves(cast, contract):
    assert statements_draft(now=NOW) == 0, "nothing is known of February"
    assert statements_draft(now=APRIL_3) == 2
    assert statements_draft(now=APRIL_3) == 0
    assert set(ContractStatement.objects.values_list("state", flat=True)) == {"draft"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM evaluation_counterline")
        assert cursor.fetchone() == (0,)
