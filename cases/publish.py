"""What cases asks of the apps to its right; no other module knows its signals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.dispatch import Signal

from cases.models import Case

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
