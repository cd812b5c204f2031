"""What is counted: each measure is one condition on facts. Pure.

The one table from which rollups have their columns, figures their sums and lists their rows: a
figure and the list behind it are the same condition. A measure counts facts, or adds up a column
of them (``adds``). What is *open and late* has no fact yet: ``is_open_late`` measures count
deadlines that passed in a period and were not kept by its end (``evaluation.selectors.figures``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from django.db.models import Q

from cases.intake import THE_PUBLIC
from cases.models import Source
from cases.workflow import ClockOutcome
from evaluation.story import FactKind

K, O = FactKind, ClockOutcome  # noqa: E741  short names keep the table readable

PUBLIC = sorted(source.value for source in THE_PUBLIC)


@dataclass(frozen=True, slots=True)
class Measure:
    """What of the facts is counted, or added up."""

    key: str
    condition: Q
    adds: str = ""
    open_late: FactKind | None = None

    @property
    def is_open_late(self) -> bool:
        """Whether it counts deadlines that have passed while their clocks run."""
        return self.open_late is not None


def _of(kind: FactKind, **more: object) -> Q:
    return Q(kind=kind.value, **more)


def _done(kind: FactKind, **more: object) -> Q:
    return _of(kind, outcome=O.DONE.value, **more)


def _given_up(kind: FactKind) -> Q:
    """A field task that was done, or taken back when it was late already."""
    return _done(kind) | _of(kind, outcome__in=[O.RECALLED.value, O.REASSIGNED.value], is_late=True)


_IN_TIME = {"is_late": False}

_ALL = (
    # ── collectors ────────────────────────────────────────────────────────────────────────────
    Measure("reported", _of(K.REPORTED)),
    Measure("found", _of(K.REPORTED, source=Source.COLLECTOR.value)),
    Measure("effective", _of(K.EFFECTIVE, source=Source.COLLECTOR.value)),
    Measure("missed", _of(K.MISSED)),
    Measure("confirm_due", _given_up(K.CONFIRM)),
    Measure("confirmed", _done(K.CONFIRM)),
    Measure("confirmed_in_time", _done(K.CONFIRM, **_IN_TIME)),
    Measure("check_due", _given_up(K.CHECK)),
    Measure("checked", _done(K.CHECK)),
    Measure("checked_in_time", _done(K.CHECK, **_IN_TIME)),
    # ── acceptors ─────────────────────────────────────────────────────────────────────────────
    Measure("accepted", _done(K.ACCEPT)),
    Measure("accepted_in_time", _done(K.ACCEPT, **_IN_TIME)),
    Measure("refused", _of(K.REFUSED)),
    Measure("merged", _of(K.MERGED)),
    Measure("sent_to_confirm", _of(K.CONFIRM_SENT)),
    Measure("sent_to_confirm_in_time", _of(K.CONFIRM_SENT, **_IN_TIME)),
    Measure("sent_to_check", _done(K.SEND_CHECK)),
    Measure("sent_to_check_in_time", _done(K.SEND_CHECK, **_IN_TIME)),
    # ── shift supervisors ─────────────────────────────────────────────────────────────────────
    Measure("filing_due", _done(K.FILE)),
    Measure("filed_in_time", _done(K.FILE, **_IN_TIME)),
    Measure("filed", _of(K.FILED)),
    Measure("voided", _of(K.VOIDED)),
    Measure("closing_due", _done(K.CLOSE)),
    Measure("closed", _done(K.CLOSE, action="close")),
    Measure("closed_in_time", _done(K.CLOSE, **_IN_TIME)),
    # ── dispatchers ───────────────────────────────────────────────────────────────────────────
    Measure("dispatch_due", _done(K.DISPATCH)),
    Measure("dispatched", _done(K.DISPATCH, action="dispatch") | _of(K.URGENT)),
    Measure("dispatched_in_time", _done(K.DISPATCH, **_IN_TIME)),
    Measure("redispatched", _of(K.REDISPATCHED)),
    # ── departments ───────────────────────────────────────────────────────────────────────────
    Measure("handled", _done(K.HANDLE)),
    Measure("handled_in_time", _done(K.HANDLE, **_IN_TIME)),
    Measure("handled_late", _done(K.HANDLE, is_late=True)),
    Measure("handling_open_late", Q(), open_late=K.HANDLE),
    Measure("handling_seconds", _done(K.HANDLE), adds="used_seconds"),
    Measure("unsolved", _of(K.HANDLE, outcome=O.UNSOLVED.value)),
    Measure("proxied", _of(K.HANDLE, outcome=O.PROXIED.value)),
    Measure("reworked", _of(K.REWORKED)),
    Measure("returned", _of(K.RETURNED)),
    Measure("extended", _of(K.EXTENDED)),
    Measure("suspended", _of(K.SUSPENDED)),
    # ── the city and its areas ────────────────────────────────────────────────────────────────
    Measure("finished", _done(K.WHOLE)),
    Measure("finished_in_time", _done(K.WHOLE, **_IN_TIME)),
    Measure("finished_late", _done(K.WHOLE, is_late=True)),
    Measure("open_late", Q(), open_late=K.WHOLE),
    Measure("filed_public", _of(K.FILED, source__in=PUBLIC)),
    Measure("repeated", _of(K.REPEATED)),
    Measure("reopened", _of(K.REOPENED)),
    Measure("satisfied", _of(K.SATISFIED)),
)
MEASURES: dict[str, Measure] = {measure.key: measure for measure in _ALL}
STORED = tuple(measure for measure in _ALL if not measure.is_open_late)


def _columns(condition: Q) -> set[str]:
    found: set[str] = set()
    for child in condition.children:
        if isinstance(child, Q):
            found |= _columns(child)
        else:
            column, _wanted = cast("tuple[str, object]", child)
            found.add(column.split("__")[0])
    return found


# Every column of facts that a condition asks for: few, with few values each.
ASKED = tuple(sorted(set().union(*(_columns(measure.condition) for measure in STORED))))
