"""The city's deadline rules, and whom they mean in the organisation tree.

Rules of an urgency stand in for those of any urgency, clock by clock. An act reads those of its
case with the stage limits (``cases.services.clocks``), a scan reads all of them once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from accounts.models import Organisation
from cases.deadlines.steps import StepRule, with_breach
from cases.models import Case, CaseClock, DeadlineRule

FIELDS = ("urgency", "action", "percent", "late_minutes", "level", "steps_up", "roles", "since")
Rules = tuple[StepRule, ...]


def chosen_rules(rows: Iterable[dict[str, Any]], urgency: str) -> Rules:
    """Return the rules of one clock: those of this urgency if there are any, else of any."""
    rows = list(rows)
    own = [row for row in rows if row["urgency"] == urgency] if urgency else []
    chosen = own or [row for row in rows if not row["urgency"]]
    return with_breach(
        StepRule(
            row["action"],
            row["percent"],
            row["late_minutes"],
            row["level"],
            row["steps_up"],
            tuple(row["roles"]),
            _moment(row["since"]),
        )
        for row in chosen
    )


def _moment(given: datetime | str) -> datetime:
    return datetime.fromisoformat(given) if isinstance(given, str) else given


class RuleBook:
    """Every rule of the installation, read once; for whoever looks at many cases."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, str], list[dict[str, Any]]] = {}
        for row in DeadlineRule.objects.order_by().values("city_id", "clock", *FIELDS):
            self._rows.setdefault((row["city_id"], row["clock"]), []).append(row)
        self._chosen: dict[tuple[int, str, str], Rules] = {}

    def of(self, case: Case, kind: str) -> Rules:
        """Return the rules of one clock of a case."""
        key = (case.city_id, case.urgency, str(kind))
        if key not in self._chosen:
            self._chosen[key] = chosen_rules(
                self._rows.get((case.city_id, str(kind)), ()), case.urgency
            )
        return self._chosen[key]


class Ladder:
    """Who stands above whom: the organisation told at each step up the tree."""

    def __init__(self, clocks: Iterable[CaseClock]) -> None:
        own = {clock.organisation_id for clock in clocks} - {None}
        paths = dict(Organisation.objects.filter(pk__in=own).values_list("pk", "path"))
        chains = {pk: _ids(path) for pk, path in paths.items()}
        everybody = {body for chain in chains.values() for body in chain}
        active = set(
            Organisation.objects.filter(pk__in=everybody, is_active=True).values_list(
                "pk", flat=True
            )
        )
        self._chains = {
            pk: [body for body in reversed(chain) if body in active] for pk, chain in chains.items()
        }

    def told(self, clock: CaseClock, steps_up: int | None) -> int | None:
        """Return the organisation so many steps above the one in charge; None: the whole city.

        Bodies that are dissolved are left out; above the top stands nobody else.
        """
        chain: Sequence[int] = self._chains.get(clock.organisation_id or 0, ())
        if steps_up is None or not chain:
            return None
        return chain[min(steps_up, len(chain) - 1)]


def _ids(path: str) -> list[int]:
    return [int(part) for part in path.split(".") if part]
