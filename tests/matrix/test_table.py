"""The table against the contract, and against itself."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from cases.fields import READERS
from cases.guards import CONDITIONS, NEED_FIELDS, PERSONS, POSSIBLE
from cases.services.effects import EFFECTS
from cases.workflow import (
    ACTION_LABELS,
    ACTIONS,
    ARROWS,
    FINAL_STATES,
    STATE_LABELS,
    State,
    arrows_from,
)
from tests.matrix.contract import LESS, MORE, agreed_rows, contract_rows, table_rows


def test_the_table_is_the_contract_row_by_row():
    ours, agreed = table_rows(), agreed_rows()
    assert [row for row in agreed if row not in ours] == [], "the table lacks these"
    assert [row for row in ours if row not in agreed] == [], "the contract knows nothing of these"
    assert ours == agreed, "a row stands there twice"


def test_every_difference_from_the_contract_is_a_real_one():
    assert set(LESS) <= set(contract_rows())
    assert not set(MORE) & set(contract_rows())


def test_the_table_names_only_what_exists():
    for arrow in ARROWS:
        assert not arrow.when or arrow.when in CONDITIONS
        assert set(arrow.possible) <= set(POSSIBLE)
        assert set(arrow.persons) <= set(PERSONS)
        assert set(arrow.effects) <= set(EFFECTS)
        assert {*arrow.requires, *arrow.optional} <= set(READERS)


def test_every_guard_condition_and_effect_is_used():
    assert {arrow.when for arrow in ARROWS} - {""} == set(CONDITIONS)
    assert {name for arrow in ARROWS for name in arrow.possible} == set(POSSIBLE)
    assert {name for arrow in ARROWS for name in arrow.persons} == set(PERSONS)
    assert {name for arrow in ARROWS for name in arrow.effects} == set(EFFECTS)
    assert set(POSSIBLE) >= NEED_FIELDS


def test_everything_has_a_label():
    assert set(ACTIONS) <= set(ACTION_LABELS)
    assert set(STATE_LABELS) == {state.value for state in State}


def test_every_state_can_be_reached_and_left():
    reached = {State.REPORTED}
    while True:
        further = {arrow.target for state in reached for arrow in arrows_from(state)} - {None}
        if further <= reached:
            break
        reached |= further
    assert reached == set(State)
    assert all(any(arrow.leaves for arrow in arrows_from(state)) for state in State)


def test_in_a_final_state_nothing_but_beginning_again_is_possible():
    allowed = {"appeal", "unmerge", "propose_reopen", "reopen", "reject_reopen", "withdraw_reopen"}
    # A spot that comes back is put under supervision though its cases are closed.
    allowed |= {"order_supervision", "reply_supervision", "rate_supervision", "rate_instruction"}
    for state in FINAL_STATES:
        assert {arrow.action for arrow in arrows_from(state)} <= allowed


def test_rows_of_one_action_in_one_state_are_told_apart():
    for state in State:
        for action in {arrow.action for arrow in arrows_from(state)}:
            rows = arrows_from(state, action)
            unconditional = [row for row in rows if not row.when]
            assert len(unconditional) <= 1
            assert len({row.when for row in rows}) == len(rows)


def test_the_page_about_the_workflow_is_up_to_date():
    call_command("workflow_docs", check=True)


def test_a_page_that_is_not_is_found(tmp_path, monkeypatch):
    page = tmp_path / "workflow.md"
    monkeypatch.setattr("cases.management.commands.workflow_docs.PATH", page)
    with pytest.raises(CommandError):
        call_command("workflow_docs", check=True)
    call_command("workflow_docs")
    call_command("workflow_docs", check=True)
    page.write_text(page.read_text() + "\n")
    with pytest.raises(CommandError):
        call_command("workflow_docs", check=True)
