"""Proxy work and its money, from the approval to the charge and back from the body responsible."""

from __future__ import annotations

from decimal import Decimal

from accounts.roles import Role
from cases.models import ApprovalChain, ApprovalRequest
from cases.workflow import RequestKind, State
from dispatch.funds.models import CostEntry, Fund, JournalEntry, Kind, ProxyThreshold, ProxyWork
from dispatch.funds.selectors import books_verify, work_queue_lengths, works_visible_to
from dispatch.funds.services.books import entry_reverse, year_close
from dispatch.funds.services.charges import recovery_open, refund_book
from dispatch.funds.services.costs import Item, cost_approve, cost_check, cost_return
from dispatch.funds.services.works import work_release
from tests.api.funds.conftest import YEAR, Funds, refusal
from tests.cast import NOW, Story


def booked(work: ProxyWork) -> list[tuple[str, int]]:
    """Return what was booked for a work, in order."""
    return list(
        JournalEntry.objects.filter(work=work).order_by("pk").values_list("kind", "amount_fen")
    )


def test_a_work_is_charged_to_the_fund_of_its_district(funds: Funds, cast):
    work = funds.approved(reason_code="refuses", estimate="3,000.00")
    assert work.request.reason_code == "refuses"
    assert (work.year.fund, work.squad.code) == (funds.xihu, "squad")
    assert funds.figures == (700_000, 300_000, 0)  # the estimate
    quote = funds.offer(work, 280_000)
    funds.accept(work, quote)
    assert funds.figures == (720_000, 280_000, 0)  # the quote
    story = funds.story(work)
    story.act("sign", cast.squad_gao)
    assert refusal(lambda: funds.enter(work)).code == "not_possible"  # not completed yet
    story.act("complete", cast.squad_gao)
    cost = funds.enter(work, 275_050)
    assert (cost.state, cost.amount_fen) == ("to_check", 275_050)
    cost_check(actor=cast.supervisor_zhao, work_id=work.pk, now=NOW)
    refused = refusal(lambda: funds.charge(work))  # nobody has looked on site
    assert refused.code == "not_possible"
    assert "on site" in str(refused.message)
    funds.found_good(work)
    funds.charge(work)
    assert funds.figures == (724_950, 0, 275_050)
    assert booked(work) == [
        ("commitment", 300_000),
        ("release", 20_000),
        ("charge", 275_050),
    ]
    again = refusal(lambda: funds.charge(work))
    assert (again.code, again.status) == ("not_possible", 409)
    assert "already" in str(again.message)
    assert books_verify() == []


def test_the_leader_cannot_approve_what_the_fund_has_no_money_for(funds: Funds, cast):
    story = Story(cast).walk_to(State.HANDLING)
    story.act("request_proxy", cast.clerk_sun, estimate="10000.01")
    refused = story.refused("approve_proxy", cast.leader_tang)
    assert (refused.code, refused.status) == ("not_enough_money", 409)
    story.case.refresh_from_db()
    assert (story.case.state, story.case.department.code) == ("handling", "sanitation")
    assert ApprovalRequest.objects.get(case=story.case).status == "open"
    assert not ProxyWork.objects.exists()
    funds.give(funds.xihu, 1, 1)
    story.act("approve_proxy", cast.leader_tang)
    assert funds.figures == (0, 1_000_001, 0)


def test_whoever_asked_does_not_approve_and_three_decimals_are_no_amount(funds: Funds, cast):
    story = Story(cast).walk_to(State.HANDLING)
    for estimate, said in (
        ("12.345", "two decimals"),
        ("-5", "negative"),
        ("0", "above zero"),
        ("1e9", "Write an amount"),
        ("", "required"),
        (True, "Write an amount"),
        (12.5, "Write an amount"),
    ):
        refused = story.refused("request_proxy", cast.clerk_sun, estimate=estimate)
        assert list(refused.fields) == ["estimate"], estimate
        assert said in str(refused.fields["estimate"][0]), estimate
    story.act("request_proxy", cast.jack_lu, estimate="１，２００．５")
    assert ApprovalRequest.objects.get(case=story.case).details["estimate_fen"] == 120_050
    assert story.refused("approve_proxy", cast.jack_lu).code == "same_person"


def test_a_case_without_a_district_fund_is_paid_by_the_city_and_a_city_without_funds_by_nobody(
    funds: Funds, cast
):
    Fund.objects.filter(pk=funds.xihu.pk).update(is_active=False)
    story = Story(cast).walk_to(State.FILED)
    story.act("request_proxy", cast.dispatcher_li)
    refused = story.refused("approve_proxy", cast.leader_tang)
    assert refused.code == "no_book"  # nobody has entered the city's budget
    funds.give(funds.city, 500_000, 500_000)
    story.act("approve_proxy", cast.leader_tang)
    assert ProxyWork.objects.get().year.fund == funds.city
    Fund.objects.update(is_active=False)
    other = Story(cast, metres=5).walk_to(State.FILED)
    other.act("request_proxy", cast.dispatcher_li)
    assert other.act("approve_proxy", cast.leader_tang).state == "dispatched"
    assert not ProxyWork.objects.filter(case=other.case).exists()


def test_a_squad_called_off_or_a_case_voided_gives_the_money_back(funds: Funds, cast):
    recalled = funds.quoted()
    funds.story(recalled).act("recall", cast.dispatcher_li)
    recalled.refresh_from_db()
    assert recalled.state == "released"
    assert booked(recalled)[-1] == ("release", 280_000)
    voided = funds.completed(metres=5)
    funds.enter(voided)
    story = funds.story(voided)
    story.act("request_void", cast.dispatcher_li)
    story.act("approve_void", cast.supervisor_zhao)
    voided.refresh_from_db()
    assert (voided.state, voided.costs.get().state) == ("released", "ended")
    assert refusal(lambda: funds.charge(voided)).code == "not_possible"
    merged = funds.approved(metres=8)
    Story(cast, metres=9)
    funds.story(merged).act("merge", cast.dispatcher_li)
    merged.refresh_from_db()
    assert merged.state == "released"
    replaced = funds.approved(metres=10)
    story = funds.story(replaced)
    story.act("request_proxy", cast.dispatcher_li, squad="rival", estimate="100")
    story.act("approve_proxy", cast.leader_tang)
    replaced.refresh_from_db()
    assert (replaced.state, funds.balance(Kind.COMMITTED)) == ("released", 10_000)
    assert books_verify() == []


def test_the_threshold_says_how_many_quotes_are_compared_and_who_accepts(funds: Funds, cast):
    work = funds.approved(estimate="5000")
    small, large = funds.offer(work, 499_999), None
    own = refusal(lambda: funds.accept(work, small, by="squad_gao"))
    assert own.code == "role_refused"
    large = funds.offer(work, 500_000)  # replaces the first
    small.refresh_from_db()
    assert small.state == "replaced"
    assert refusal(lambda: funds.accept(work, small)).code == "not_found"
    refused = refusal(lambda: funds.accept(work, large))
    assert "leader" in str(refused.message)
    refused = refusal(lambda: funds.accept(work, large, by="leader_tang"))
    assert "2 quotes are compared; there are 1" in str(refused.message)
    other = funds.offer(work, 450_000, by="dispatcher_li", bidder="rival")
    refused = refusal(lambda: funds.accept(work, other, by="leader_tang"))
    assert "another squad" in str(refused.message)
    refused = refusal(lambda: funds.accept(work, large, by="leader_tang"))
    assert (refused.code, list(refused.fields)) == ("missing_field", ["reason"])
    funds.accept(work, large, by="leader_tang", reason="距离近，可立即进场")
    assert funds.figures == (500_000, 500_000, 0)
    assert (
        refusal(lambda: funds.accept(work, large, by="leader_tang", reason="x")).code
        == "not_possible"
    )
    assert refusal(lambda: funds.offer(work, 1)).code == "not_possible"


def test_nobody_accepts_their_own_quote_nor_offers_one_for_others(funds: Funds, cast):
    work = funds.approved()
    quote = funds.offer(work, 100_000, by="dispatcher_li")
    assert refusal(lambda: funds.accept(work, quote)).code == "same_person"
    assert (
        refusal(lambda: funds.offer(work, 1, by="squad_gao", bidder="rival")).code == "role_refused"
    )
    assert (
        refusal(lambda: funds.offer(work, 1, by="squad_ning", bidder="rival")).code == "not_found"
    )
    assert refusal(lambda: funds.offer(work, 1, by="dispatcher_gongshu")).code == "not_found"
    assert refusal(lambda: funds.offer(work, 1, by="inspector_he")).code == "role_refused"
    assert refusal(lambda: funds.offer(work, -1)).code == "invalid"
    assert (
        refusal(lambda: funds.offer(work, 1, by="dispatcher_li", bidder="water")).code == "invalid"
    )


def test_a_quote_above_what_is_free_is_not_accepted(funds: Funds, cast):
    ProxyThreshold.objects.all().delete()  # then every quote is the leader's
    work = funds.approved()
    quote = funds.offer(work, 1_000_001)
    assert refusal(lambda: funds.accept(work, quote)).code == "role_refused"
    refused = refusal(lambda: funds.accept(work, quote, by="leader_tang"))
    assert refused.code == "not_enough_money"
    quote.refresh_from_db()
    assert (quote.state, funds.figures) == ("offered", (700_000, 300_000, 0))


def test_a_cost_far_above_the_quote_needs_the_leader_and_then_the_check(funds: Funds, cast):
    work = funds.completed()
    cost = funds.enter(work, 308_001)  # 280,000 and 10 % are 308,000
    assert cost.state == "to_approve"
    check = lambda name: cost_check(actor=cast.people[name], work_id=work.pk, now=NOW)  # noqa: E731
    assert refusal(lambda: check("supervisor_zhao")).code == "not_possible"
    approve = lambda name: cost_approve(actor=cast.people[name], work_id=work.pk, now=NOW)  # noqa: E731
    assert refusal(lambda: approve("supervisor_zhao")).code == "role_refused"
    approve("leader_tang")
    assert refusal(lambda: check("inspector_he")).code == "role_refused"
    assert refusal(lambda: check("dispatcher_gongshu")).code == "not_found"
    check("supervisor_zhao")
    funds.found_good(work)
    for name in ("supervisor_zhao", "leader_tang", "dispatcher_li", "squad_gao"):
        assert refusal(lambda name=name: funds.charge(work, by=name)).code == "role_refused", name
    funds.charge(work)
    assert funds.figures == (1_000_000 - 308_001, 0, 308_001)


def test_a_cost_within_the_share_goes_to_the_check_at_once_and_may_be_returned(funds: Funds, cast):
    work = funds.completed()
    assert funds.enter(work, 308_000).state == "to_check"
    assert refusal(lambda: funds.enter(work)).code == "not_possible"  # one at a time
    back = lambda reason: cost_return(  # noqa: E731
        actor=cast.supervisor_zhao, work_id=work.pk, reason=reason, now=NOW
    )
    assert refusal(lambda: back("")).code == "missing_field"
    assert back("发票不清").state == "returned"
    assert funds.enter(work, 270_000).state == "to_check"
    assert work.costs.count() == 2


def test_a_cost_has_items_with_evidence_to_the_fen(funds: Funds, cast):
    work = funds.completed()
    items = [
        Item("碎石", Decimal("2.5"), "吨", 33),  # 82.5 fen, rounded to 83
        Item("人工", Decimal(2), "工日", 40_000),
    ]
    bad = (
        ({"photo_ids": []}, "missing_field"),
        ({"photo_ids": [10**9]}, "invalid"),
        ({"items": []}, "missing_field"),
        ({"items": [Item("", Decimal(1), "", 5)]}, "invalid"),
        ({"items": [Item("x", Decimal(0), "", 5)]}, "invalid"),
        ({"items": [Item("x", Decimal(-1), "", 5)]}, "invalid"),
        ({"items": [Item("x", Decimal("1.0001"), "", 5)]}, "invalid"),
        ({"items": [Item("x", Decimal(1), "", -5)]}, "invalid"),
        ({"items": [Item("x", Decimal(1), "", 5)] * 41}, "invalid"),
    )
    for fields, code in bad:
        assert refusal(lambda fields=fields: funds.enter(work, **fields)).code == code, fields
    assert refusal(lambda: funds.enter(work, by="clerk_sun")).code == "not_found"
    cost = funds.enter(work, items=items)
    assert cost.amount_fen == 80_083
    assert [row.amount_fen for row in cost.items.all()] == [83, 80_000]
    used = [evidence.photo_id for evidence in cost.evidence.all()]
    cost_return(actor=cast.supervisor_zhao, work_id=work.pk, reason="重报", now=NOW)
    assert refusal(lambda: funds.enter(work, photo_ids=used)).code == "invalid"  # each serves once


def test_nobody_of_the_squad_checks_and_nobody_does_two_of_the_three(funds: Funds, cast):
    work = funds.completed()
    funds.enter(work, by="dispatcher_li")
    groups = cast.supervisor_zhao.groups.all()
    for person in (cast.dispatcher_li, cast.squad_gao):
        person.groups.add(*groups, *cast.inspector_he.groups.all())
        person.__dict__.pop("roles", None)
        person.__dict__.pop("role_codes", None)
        refused = refusal(lambda p=person: cost_check(actor=p, work_id=work.pk, now=NOW))
        assert refused.code == "same_person", person
    inspector = cast.supervisor_zhao
    inspector.groups.add(*cast.inspector_he.groups.all())
    inspector.__dict__.pop("roles", None)
    inspector.__dict__.pop("role_codes", None)
    cost_check(actor=inspector, work_id=work.pk, now=NOW)
    funds.found_good(work)
    for name in ("supervisor_zhao", "dispatcher_li", "squad_gao"):
        assert refusal(lambda name=name: funds.charge(work, by=name)).code == "same_person", name
    funds.charge(work)


def test_what_was_paid_comes_back_from_the_body_found_responsible(funds: Funds, cast):
    work = funds.checked()
    claim = lambda fen, debtor="water": recovery_open(  # noqa: E731
        actor=cast.inspector_he,
        work_id=work.pk,
        debtor=debtor,
        amount_fen=fen,
        reason="权属查明",
        now=NOW,
    )
    assert refusal(lambda: claim(1)).code == "not_possible"  # not charged yet
    funds.charge(work)
    refund = lambda fen: refund_book(  # noqa: E731
        actor=cast.inspector_he, work_id=work.pk, amount_fen=fen, note="到账", now=NOW
    )
    assert refusal(lambda: refund(1)).code == "not_possible"
    assert refusal(lambda: claim(275_001)).code == "invalid"
    assert refusal(lambda: claim(1, debtor="squad")).code == "invalid"
    claim(275_000)
    assert funds.balance(Kind.RECEIVABLE) == 275_000
    assert refusal(lambda: claim(1)).code == "not_possible"
    refund(200_000)
    assert refusal(lambda: refund(75_001)).code == "invalid"
    assert refusal(lambda: refund(-1)).code == "invalid"
    refund(75_000)
    assert funds.figures == (1_000_000, 0, 275_000)
    assert (funds.balance(Kind.RECEIVABLE), funds.balance(Kind.RECOVERED)) == (0, -275_000)
    assert refusal(lambda: refund(1)).code == "invalid"
    assert books_verify() == []


def test_a_payment_taken_back_leaves_the_work_to_be_costed_again(funds: Funds, cast):
    work = funds.charge(funds.checked())
    payment = JournalEntry.objects.get(work=work, kind="charge")
    reverse = lambda: entry_reverse(  # noqa: E731
        actor=cast.inspector_he, entry_id=payment.pk, reason="金额录错", now=NOW
    )
    recovery_open(
        actor=cast.inspector_he, work_id=work.pk, debtor="water", amount_fen=9, reason="x", now=NOW
    )
    assert refusal(reverse).code == "not_possible"  # first the claim
    claim = JournalEntry.objects.get(kind="receivable")
    entry_reverse(actor=cast.inspector_he, entry_id=claim.pk, reason="x", now=NOW)
    reverse()
    work.refresh_from_db()
    assert (work.state, work.costs.get().state) == ("open", "returned")
    assert funds.figures == (720_000, 280_000, 0)
    assert refusal(reverse).code == "not_possible"
    funds.enter(work, 250_000)
    cost_check(actor=cast.supervisor_zhao, work_id=work.pk, now=NOW)
    funds.charge(work)
    assert funds.figures == (750_000, 0, 250_000)
    year_close(actor=cast.leader_tang, fund_id=funds.xihu.pk, year=YEAR, now=NOW)
    assert books_verify() == []


def test_the_clerk_gives_a_commitment_back_where_nothing_is_to_be_paid(funds: Funds, cast):
    work = funds.completed()
    release = lambda name, reason="免费处置": work_release(  # noqa: E731
        actor=cast.people[name], work_id=work.pk, reason=reason, now=NOW
    )
    assert refusal(lambda: release("dispatcher_li")).code == "role_refused"
    assert refusal(lambda: release("inspector_he", "")).code == "missing_field"
    funds.enter(work)
    assert refusal(lambda: release("inspector_he")).code == "not_possible"
    cost_return(actor=cast.supervisor_zhao, work_id=work.pk, reason="免费", now=NOW)
    assert release("inspector_he").state == "released"
    assert funds.figures == (1_000_000, 0, 0)
    assert refusal(lambda: release("inspector_he")).code == "not_possible"


def test_a_queue_counts_what_its_list_shows_and_nobody_sees_more_than_theirs(funds: Funds, cast):
    works = [funds.approved(), funds.completed(metres=5)]
    funds.enter(works[1])
    counts = work_queue_lengths(cast.inspector_he)
    assert (counts["quote"], counts["check"], counts["open"]) == (1, 1, 2)
    assert works_visible_to(cast.squad_gao).count() == 2
    for name in (
        "squad_ning",
        "dispatcher_gongshu",
        "clerk_sun",
        "collector_chen",
        "partner_dong",
        "root",
    ):
        assert not works_visible_to(cast.people[name]).exists(), name
    assert list(Fund.objects.visible_to(cast.dispatcher_xihu)) == [funds.xihu]
    assert not Fund.objects.visible_to(cast.dispatcher_gongshu).exists()
    assert Fund.objects.visible_to(cast.inspector_he).count() == 2
    assert CostEntry.objects.count() == 1


def test_of_two_leaders_only_the_second_commits_money_and_sends_the_squad(funds: Funds, cast):
    ApprovalChain.objects.create(
        city=cast.city,
        kind=RequestKind.PROXY,
        position=1,
        steps=[["LDR"], ["LDR"]],
        valid_from=NOW.date(),
    )
    story = Story(cast).walk_to(State.HANDLING)
    story.act("request_proxy", cast.clerk_sun, estimate="3000.00")
    story.act("approve_proxy", cast.leader_tang)
    assert (story.case.department.code, funds.figures) == ("sanitation", (1_000_000, 0, 0))
    assert not ProxyWork.objects.exists()
    assert story.refused("approve_proxy", cast.leader_tang).code == "same_person"
    second = cast.hire("leader_fang", "centre", Role.LEADER)
    story.act("approve_proxy", second)
    assert (story.case.department.code, funds.figures) == ("squad", (700_000, 300_000, 0))
