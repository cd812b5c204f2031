"""Two at once: one wins, the other is told, nothing is lost."""

from __future__ import annotations

import multiprocessing
import traceback
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier

import pytest
from django.db import connections

from accounts.idempotency import run_once
from accounts.models import User
from accounts.roles import Role
from cases.errors import ActionRefused
from cases.models import Case, LeaderInstruction
from cases.services import case_act, case_report
from cases.workflow import State
from common.errors import DomainError
from dispatch.funds.selectors import books_verify
from dispatch.funds.services.charges import work_charge
from evaluation.contracts.statements import statement_draw, statement_issue
from evaluation.models import EvaluationPeriod, FrozenRanking, Scorecard
from evaluation.services.publishing import (
    evaluation_check,
    evaluation_open,
    evaluation_publish,
)
from tests.api.evaluation.contracted import APRIL_3, MARCH_1, march_of, read
from tests.api.funds.conftest import build_funds
from tests.cast import NOW, Cast, Story, photo_of
from tests.matrix.invariants import check_case

pytestmark = pytest.mark.django_db(transaction=True)

PROCESSES = multiprocessing.get_context("fork")
PATIENCE_SECONDS = 300


def at_once(*works) -> list:
    """Run each work in a process of its own; return what they put into their queues."""
    connections.close_all()
    barrier = PROCESSES.Barrier(len(works), timeout=PATIENCE_SECONDS)
    queues = [PROCESSES.SimpleQueue() for _work in works]
    processes = [
        PROCESSES.Process(target=run, args=(work, barrier, queue), daemon=True)
        for work, queue in zip(works, queues, strict=True)
    ]
    for process in processes:
        process.start()
    found = [queue.get() for queue in queues]
    for process in processes:
        process.join(PATIENCE_SECONDS)
        assert process.exitcode == 0
    return found


def run(work, barrier: Barrier, queue: SimpleQueue) -> None:
    """Do the work on connections of one's own."""
    try:
        queue.put(work(barrier))
    except BaseException:
        barrier.abort()
        queue.put(traceback.format_exc())
    finally:
        connections.close_all()


def outcome_of(act) -> str:
    """Return ``done`` or the refusal's code."""
    try:
        act()
    except ActionRefused as refusal:
        return refusal.code
    return "done"


def test_two_processes_on_one_case_one_wins_and_the_other_gets_409(cast: Cast, size):
    rounds = size(25, 1000)
    case = Story(cast).walk_to(State.FILED).case
    start = case.version

    def instruct(barrier: Barrier) -> list[str]:
        leader = User.objects.with_roles().get(username="leader_tang")
        found = []
        for turn in range(rounds):
            barrier.wait()
            found.append(
                outcome_of(
                    lambda turn=turn: case_act(
                        case_id=case.pk,
                        action="instruct",
                        actor=leader,
                        now=NOW,
                        version=start + turn,
                        text=f"第 {turn} 次",
                    )
                )
            )
        return found

    one, other = at_once(instruct, instruct)
    assert [sorted(pair) for pair in zip(one, other, strict=True)] == [
        ["done", "stale_version"]
    ] * rounds
    after = check_case(case.pk)
    assert after.version == start + rounds
    assert LeaderInstruction.objects.filter(case=case).count() == rounds


def test_two_dispatchers_at_once_send_a_case_to_one_department(cast: Cast, size):
    stories = [Story(cast, metres=each).walk_to(State.FILED) for each in range(size(5, 100))]

    def dispatch(department: str):
        def work(barrier: Barrier) -> list[str]:
            dispatcher = User.objects.with_roles().get(username="dispatcher_li")
            found = []
            for story in stories:
                barrier.wait()
                found.append(
                    outcome_of(
                        lambda story=story: case_act(
                            case_id=story.case.pk,
                            action="dispatch",
                            actor=dispatcher,
                            now=NOW,
                            version=story.case.version,
                            department=department,
                            reason="属地",
                        )
                    )
                )
            return found

        return work

    one, other = at_once(dispatch("sanitation"), dispatch("gardens"))
    assert [sorted(pair) for pair in zip(one, other, strict=True)] == [
        ["done", "stale_version"]
    ] * len(stories)
    for story, first in zip(stories, one, strict=True):
        assert check_case(story.case.pk).department.code == (
            "sanitation" if first == "done" else "gardens"
        )


def test_one_photo_serves_only_one_of_two_reports_at_once(cast: Cast, size):
    photos = [photo_of(cast.collector_chen) for _each in range(size(5, 100))]
    lon, lat = cast.place

    def report(barrier: Barrier) -> list[str]:
        collector = User.objects.with_roles().get(username="collector_chen")
        found = []
        for photo in photos:
            barrier.wait()
            found.append(
                outcome_of(
                    lambda photo=photo: case_report(
                        actor=collector,
                        source="collector",
                        lon=lon,
                        lat=lat,
                        now=NOW,
                        type_code="E0102",
                        photo_ids=[photo],
                    )
                )
            )
        return found

    one, other = at_once(report, report)
    assert [sorted(pair) for pair in zip(one, other, strict=True)] == [["done", "invalid"]] * len(
        photos
    )
    assert numbers() == list(range(1, len(photos) + 1))


def test_merging_two_cases_into_each_other_at_once_merges_one(cast: Cast, size):
    pairs = [(Story(cast), Story(cast, metres=3)) for _each in range(size(5, 100))]

    def merge(mine: int):
        def work(barrier: Barrier) -> list[str]:
            acceptor = User.objects.with_roles().get(username="acceptor_wang")
            found = []
            for pair in pairs:
                barrier.wait()
                found.append(
                    outcome_of(
                        lambda pair=pair: case_act(
                            case_id=pair[mine].case.pk,
                            action="merge",
                            actor=acceptor,
                            now=NOW,
                            version=1,
                            master=pair[1 - mine].case.number,
                        )
                    )
                )
            return found

        return work

    one, other = at_once(merge(0), merge(1))
    assert [sorted(pair) for pair in zip(one, other, strict=True)] == [
        ["done", "stale_version"]
    ] * len(pairs)
    for first, second in pairs:
        states = {check_case(story.case.pk).state for story in (first, second)}
        assert states == {"reported", "merged"}


def test_one_key_sent_twice_at_once_is_one_case_and_one_answer(cast: Cast, size):
    turns = size(10, 300)
    lon, lat = cast.place

    def send(barrier: Barrier) -> list[tuple[int, str, bool]]:
        collector = User.objects.with_roles().get(username="collector_chen")

        def report() -> tuple[int, str]:
            case = case_report(
                actor=collector, source="collector", lon=lon, lat=lat, now=NOW, type_code="E0102"
            )
            return 201, case.number

        found = []
        for turn in range(turns):
            barrier.wait()
            found.append(
                run_once(
                    user=collector,
                    key=f"key-{turn}",
                    operation="report",
                    body={"turn": turn},
                    now=NOW,
                    act=report,
                )
            )
        return found

    one, other = at_once(send, send)
    for (status, number, is_stored), (same_status, same_number, was_stored) in zip(
        one, other, strict=True
    ):
        assert (status, number) == (same_status, same_number)
        assert {is_stored, was_stored} == {True, False}
    assert numbers() == list(range(1, turns + 1))


def numbers() -> list[int]:
    """Return the day's sequence of every case's number, in order."""
    found = Case.objects.order_by("number").values_list("number", flat=True)
    return [int(number[-5:]) for number in found]


def test_numbers_given_at_once_have_no_gap_and_no_collision(cast: Cast, size):
    each_reports = size(15, 500)
    lon, lat = cast.place

    def report(barrier: Barrier) -> int:
        collector = User.objects.with_roles().get(username="collector_chen")
        barrier.wait()
        for turn in range(each_reports):
            code = "C9999" if turn % 5 == 4 else "E0102"
            outcome_of(
                lambda code=code: case_report(
                    actor=collector,
                    source="collector",
                    lon=lon,
                    lat=lat,
                    now=NOW,
                    type_code=code,
                )
            )
        return each_reports

    assert at_once(report, report, report) == [each_reports] * 3
    assert numbers() == list(range(1, 3 * (each_reports - each_reports // 5) + 1))


def test_two_clerks_charge_a_work_at_once_and_it_is_paid_once(cast: Cast):
    funds = build_funds(cast)
    work = funds.checked()

    def charge(name: str):
        def work_it(barrier: Barrier) -> str:
            clerk = User.objects.with_roles().get(username=name)
            barrier.wait()
            return refusal_code(lambda: work_charge(actor=clerk, work_id=work.pk, now=NOW))

        return work_it

    twin = cast.hire("inspector_yu", "centre", Role.INSPECTOR)
    assert sorted(at_once(charge("inspector_he"), charge(twin.username))) == [
        "done",
        "not_possible",
    ]
    assert funds.figures == (725_000, 0, 275_000)
    assert books_verify() == []


def test_two_approvals_at_once_do_not_spend_the_same_money(cast: Cast):
    funds = build_funds(cast)
    stories = [Story(cast, metres=each).walk_to(State.HANDLING) for each in (0, 5)]
    for story in stories:
        story.act("request_proxy", cast.clerk_sun, estimate="6000")

    def approve(story: Story):
        def work_it(barrier: Barrier) -> str:
            leader = User.objects.with_roles().get(username="leader_tang")
            barrier.wait()
            return refusal_code(
                lambda: case_act(
                    case_id=story.case.pk,
                    action="approve_proxy",
                    actor=leader,
                    now=NOW,
                    request=story.good_value("request", "approve_proxy", leader),
                )
            )

        return work_it

    assert sorted(at_once(*map(approve, stories))) == ["done", "not_enough_money"]
    assert funds.figures == (400_000, 600_000, 0)


def refusal_code(act) -> str:
    """Return ``done`` or the code of any refusal."""
    try:
        act()
    except DomainError as refusal:
        return refusal.code
    return "done"


def test_two_people_issue_one_statement_and_one_is_told(cast: Cast):
    contract = march_of(cast)
    drawn = statement_draw(
        actor=cast.inspector_he, contract_id=contract.pk, day=MARCH_1, now=APRIL_3
    )
    step = {"statement_id": drawn.pk, "sha256": drawn.sha256, "now": APRIL_3}

    def issuing(name: str):
        def issue(barrier: Barrier) -> str:
            actor = User.objects.with_roles().get(username=name)
            barrier.wait()
            try:
                statement_issue(actor=actor, **step)
            except DomainError as refusal:
                return refusal.code
            return "done"

        return issue

    found = at_once(issuing("inspector_he"), issuing("leader_tang"))
    assert sorted(found) == ["done", "stale_version"]
    drawn.refresh_from_db()
    winner = ("inspector_he", "leader_tang")[found.index("done")]
    assert (drawn.state, drawn.issued_by.username) == ("issued", winner)


def test_one_period_is_opened_and_published_once_by_people_who_do_it_at_once(cast: Cast):
    Story(cast).walk_to(State.CLOSED)
    read()
    cast.hire("leader_two", "centre", Role.LEADER)

    def doing(name: str, step, **given):
        def work(barrier: Barrier) -> str:
            actor = User.objects.with_roles().get(username=name)
            barrier.wait()
            return refusal_code(lambda: step(actor=actor, now=APRIL_3, **given))

        return work

    leaders = ("leader_tang", "leader_two")
    month = {"kind": "month", "day": MARCH_1}
    opened = at_once(*(doing(name, evaluation_open, **month) for name in leaders))
    assert sorted(opened) == ["done", "not_possible"]
    draft = EvaluationPeriod.objects.get()
    seen = evaluation_check(actor=cast.inspector_he, evaluation_id=draft.pk, now=APRIL_3)
    same = {"evaluation_id": draft.pk, "sha256": seen.sha256}
    published = at_once(*(doing(name, evaluation_publish, **same) for name in leaders))
    assert sorted(published) == ["done", "stale_version"]
    draft.refresh_from_db()
    assert draft.published_by.username == leaders[published.index("done")]
    kinds = Scorecard.objects.values("kind").distinct().count()
    assert FrozenRanking.objects.count() == kinds, "nothing is doubled"
