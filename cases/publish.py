"""What cases tells and asks the apps to its right; no other module knows its signals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.dispatch import Signal

from cases.models import Case

if TYPE_CHECKING:
    from cases.services.context import Act

# Sent inside the transaction of every act, after its event: what must be true with the case or not
# at all. A receiver may refuse; then nothing of the act remains. What may come later follows the
# numbered event log instead.
case_acted = Signal()
# Events were written; they exist once the transaction commits. Sent inside it, once a statement.
events_written = Signal()
# Something about a case that no history keeps, for whoever has it on their screen: a draft is open,
# an acceptor has taken it. It may be lost, so nobody may rely on it.
case_hinted = Signal()
# Who should handle this case, by the city's rules? One receiver returns a `Routing`.
department_asked = Signal()


@dataclass(frozen=True, slots=True)
class Routing:
    """What the city's rules say of a case: the body to suggest, the rule and its version.

    Without an ``organisation`` nobody answers for the case; without a ``rule`` none applied.
    """

    version: int
    rule: str = ""
    organisation: int | None = None
    is_automatic: bool = False
    rule_name: str = ""  # in the reader's language


def routing_of(case: Case, now: datetime) -> Routing | None:
    """Return what the rules in force say of a case given out now; None where there are none."""
    answers: list[Any] = department_asked.send(sender=None, case=case, now=now)
    return next((routing for _receiver, routing in answers if routing is not None), None)


def tell_events_written() -> None:
    """Tell that events were written; who follows the log looks after the commit."""
    events_written.send(sender=None)


def hint_case(number: str, kind: str, data: Mapping[str, Any] | None = None) -> None:
    """Hint something about a case to those who may see it and have it on their screen.

    ``data`` is a few words of JSON; they are told after the commit.
    """
    case_hinted.send(sender=None, number=number, kind=kind, data=dict(data or {}))


def tell_case_acted(act: Act) -> None:
    """Tell that an act was walked; its case is locked."""
    case_acted.send(sender=None, act=act)
