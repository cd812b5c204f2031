"""A contract of the cast's contractor, and a March in which everything it is paid by happened."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from accounts.models import User
from accounts.roles import Role
from cases.workflow import State
from evaluation.contracts.amounts import Step
from evaluation.contracts.models import (
    CollectionContract,
    ContractLot,
    ContractStatement,
    LotBeat,
    LotTerms,
)
from evaluation.contracts.statements import statement_draw, statement_issue
from evaluation.services.facts import READER
from grid.models import Beat, BeatAssignment
from live.readers import reader_run
from live.services import events_sequence
from tests.cast import NOW, ROADS, Cast, Story
from tests.databases import filled

DAY = timedelta(days=1)
MARCH_1 = date(2026, 3, 1)
APRIL_3 = NOW + 18 * DAY
STEPS = [Step.read({"at_least": "0.9", "share": "0"}), Step.read({"share": "0.02"})]
TERMS = {
    "fee_fen": 30_000_00,
    "included_count": 1,
    "report_fen": 2_50,
    "missed_fen": 50_00,
    "confirm_steps": [step.told() for step in STEPS],
    "check_steps": [step.told() for step in STEPS],
}


def read() -> None:
    """Let the facts catch up with the events."""
    events_sequence()
    reader_run(reader=READER, now=NOW)


def contract_of(cast: Cast, body: str, beat: Beat, **terms) -> CollectionContract:
    """Give a contractor a contract with one lot of one beat."""
    contract = CollectionContract.objects.create(
        city=cast.city,
        number=f"CJ-{body}",
        name=f"{body}采集合同",
        name_en=f"Collection by {body}",
        contractor=cast.bodies[body],
        valid_from=date(2026, 1, 1),
        valid_to=date(2027, 1, 1),
    )
    lot = ContractLot.objects.create(
        contract=contract,
        code=f"{body}-1",
        name="一标段",
        name_en="Lot 1",
        valid_from=contract.valid_from,
        valid_to=contract.valid_to,
    )
    LotBeat.objects.create(lot=lot, beat=beat, valid_from=lot.valid_from, valid_to=lot.valid_to)
    LotTerms.objects.create(lot=lot, valid_from=lot.valid_from, **{**TERMS, **terms})
    return contract


def contracts_of(cast: Cast) -> CollectionContract:
    """Give eyes and scouts a contract each; returns that of eyes."""
    beat = BeatAssignment.objects.first().beat
    contract_of(cast, "scouts", Beat.objects.exclude(pk=beat.pk).first())
    return contract_of(cast, "eyes", beat)


def march_of(cast: Cast) -> CollectionContract:
    """Tell the cases of March on the lot of eyes; returns its contract.

    Three valid reports, one case missed by its two collectors, one confirmation in time, one of
    two checks late.
    """
    contract = contracts_of(cast)
    for number in range(2):
        story = Story(cast, metres=number * 9)
        for name, action in ROADS[State.CLOSED]:
            if action == "check_pass" and number == 1:
                story.now += 2 * DAY
            story.act(action, cast.people[name])
    Story(cast, metres=30).walk_to(State.FILED)
    Story(cast, metres=45, source="hotline").walk_to(State.FILED)
    story = Story(cast, metres=60, source="hotline").walk_to(State.CONFIRMING)
    story.act("confirm", cast.collector_lin)
    read()
    return contract


@filled("cast")
def march_on_the_lot(cast: Cast) -> None:
    """That March."""
    march_of(cast)


@pytest.fixture
def contract(march_on_the_lot: Cast) -> CollectionContract:
    """The contract of that March."""
    return CollectionContract.objects.get(contractor=march_on_the_lot.bodies["eyes"])


def manager_of_scouts(cast: Cast) -> User:
    """Return the manager of the other contractor."""
    return cast.hire("manager_far", "scouts", Role.CONTRACTOR_MANAGER)


def issued(cast: Cast, contract: CollectionContract, **more) -> ContractStatement:
    """Draw up March's statement and issue it, by the inspector."""
    given = {"day": MARCH_1, "now": APRIL_3, **more}
    drawn = statement_draw(actor=cast.inspector_he, contract_id=contract.pk, **given)
    return statement_issue(
        actor=cast.inspector_he,
        statement_id=drawn.pk,
        sha256=drawn.sha256,
        now=given["now"],
    )
