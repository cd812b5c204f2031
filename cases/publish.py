"""What cases tells and asks the apps to its right; no other module knows its signals."""

from __future__ import annotations

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


def routing_of(case: Case, now: datetime) -> Routing | None:
    """Return what the rules in force say of a case given out now; None where there are none."""
    answers: list[Any] = department_asked.send(sender=None, case=case, now=now)
    return next((routing for _receiver, routing in answers if routing is not None), None)


def tell_case_acted(act: Act) -> None:
    """Tell that an act was walked; its case is locked."""
    case_acted.send(sender=None, act=act)
