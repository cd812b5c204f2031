"""Indicators: every count and rate a city is judged by, one definition each. Pure.

Page, list, export, API and wall use these; nothing else may divide one measure by another. A rate
is a sum of measures over a sum of measures, as an exact fraction of whole numbers; it is rounded
only where it is shown. A rate of nothing is not 0 and not 1: it has no value.

Source: GB/T 30428.4 and CJ/T 292 (evaluation), as domain words them; clauses are named where the
city's copy of the standard can be checked, else the chapter. A period is [first day, day after the
last) of local dates; a clock counts on the day on which it stopped. What was due in the period and
is still open and late counts as due in it (``handling_open_late``, ``open_late``).

*Worked example.* In June a department handled 180 in time and 12 late; 8 more fell due in June and
were open at its end: due 200, on-time handling 180/200 = 0.9, closing rate 192/200 = 0.96.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = str | Promise


class Unit(StrEnum):
    """What a value is."""

    CASES = "cases"
    RATIO = "ratio"
    MINUTES = "minutes"


class Direction(StrEnum):
    """Which way is better."""

    UP = "up"
    DOWN = "down"
    NEITHER = "neither"


EVALUATION = "GB/T 30428.4"
SYSTEM = "CJ/T 292"


@dataclass(frozen=True, slots=True)
class Indicator:
    """One figure: measures above and below the line.

    ``minus`` is taken from the numerator; without a denominator the value is the count itself.
    ``divisor`` brings a sum into the unit (seconds into minutes). ``example``: numerator and
    denominator as whole numbers, and the value they give; a test computes it.
    """

    key: str
    name: Words
    formula: Words
    numerator: tuple[str, ...]
    denominator: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    unit: Unit = Unit.CASES
    direction: Direction = Direction.NEITHER
    source: str = EVALUATION
    divisor: int = 1
    example: tuple[Mapping[str, int], Fraction] | None = None

    @property
    def measures(self) -> tuple[str, ...]:
        """Every measure it is made of."""
        return tuple(dict.fromkeys((*self.numerator, *self.minus, *self.denominator)))

    def above(self, counts: Mapping[str, int]) -> int:
        """Return the numerator."""
        plus = sum(counts.get(key, 0) for key in self.numerator)
        return plus - sum(counts.get(key, 0) for key in self.minus)

    def below(self, counts: Mapping[str, int]) -> int | None:
        """Return the denominator; None for a count."""
        if not self.denominator:
            return None
        return sum(counts.get(key, 0) for key in self.denominator)

    def value(self, counts: Mapping[str, int]) -> Fraction | None:
        """Return the figure; None where there is nothing to divide by."""
        below = self.below(counts)
        if below is None:
            return Fraction(self.above(counts), self.divisor)
        return Fraction(self.above(counts), below * self.divisor) if below else None


def _count(key: str, name: Words, formula: Words, *measures: str, **more: Any) -> Indicator:
    return Indicator(key, name, formula, measures or (key,), **more)


def _rate(
    key: str,
    name: Words,
    formula: Words,
    numerator: str | tuple[str, ...],
    denominator: str | tuple[str, ...],
    example: tuple[Mapping[str, int], Fraction],
    **more: Any,
) -> Indicator:
    above = (numerator,) if isinstance(numerator, str) else numerator
    below = (denominator,) if isinstance(denominator, str) else denominator
    values = {"unit": Unit.RATIO, "direction": Direction.UP, **more}
    return Indicator(key, name, formula, above, below, example=example, **values)


_UP, _DOWN = {"direction": Direction.UP}, {"direction": Direction.DOWN}
_DUE_TO_HANDLE = ("handled", "handling_open_late")
_DUE_TO_FINISH = ("finished", "open_late")

# fmt: off
_ALL: tuple[Indicator, ...] = (
    # ── collectors ────────────────────────────────────────────────────────────────────────────
    _count("reported", _("Cases reported"), _("cases reported, from any source")),
    _count("found", _("Found by collectors"), _("cases reported by collectors"), **_UP),
    _count("effective", _("Effective reports"),
           _("reports of collectors that were filed"), **_UP),
    _count("missed", _("Missed on the beat"),
           _("cases the public reported that were filed, for each collector of the beat"), **_DOWN),
    _count("confirm_due", _("Confirmations due"),
           _("confirmations done, or taken back when they were late")),
    _count("confirmed", _("Confirmations done"), _("confirmations done on site")),
    _count("confirmed_in_time", _("Confirmed in time"), _("confirmations done in time"), **_UP),
    _count("check_due", _("Checks due"), _("checks done, or taken back when they were late")),
    _count("checked", _("Checks done"), _("checks done on site")),
    _count("checked_in_time", _("Checked in time"), _("checks done in time"), **_UP),
    _rate("effective_rate", _("Effective rate"), _("effective reports ÷ found by collectors"),
          "effective", "found", ({"effective": 45, "found": 50}, Fraction(9, 10))),
    _rate("missed_rate", _("Missed rate"),
          _("missed on the beat ÷ (effective reports + missed on the beat)"),
          "missed", ("effective", "missed"),
          ({"missed": 5, "effective": 45}, Fraction(1, 10)), **_DOWN),
    _rate("confirm_in_time_rate", _("On-time confirmation"),
          _("confirmed in time ÷ to confirm"), "confirmed_in_time", "confirm_due",
          ({"confirmed_in_time": 19, "confirm_due": 20}, Fraction(19, 20))),
    _rate("check_in_time_rate", _("On-time check"), _("checked in time ÷ to check"),
          "checked_in_time", "check_due",
          ({"checked_in_time": 30, "check_due": 40}, Fraction(3, 4))),
    # ── acceptors ─────────────────────────────────────────────────────────────────────────────
    _count("accepted", _("Cases accepted"), _("cases whose accepting was done")),
    _count("accepted_in_time", _("Accepted in time"), _("of these, in time"), **_UP),
    _count("refused", _("Cases refused"), _("cases not filed, with a reason")),
    _count("merged", _("Reports merged"), _("reports merged into another case")),
    _count("sent_to_confirm", _("Sent to confirm"),
           _("confirmations asked for; counted when accepting ends")),
    _count("sent_to_confirm_in_time", _("Sent to confirm in time"),
           _("of these, before accepting was due"), **_UP),
    _count("sent_to_check", _("Sent to check"), _("handled cases sent to check")),
    _count("sent_to_check_in_time", _("Sent to check in time"), _("of these, in time"), **_UP),
    _count("accepting_volume", _("Cases of an acceptor"), _("accepted + refused"),
           "accepted", "refused", **_UP),
    _rate("accept_in_time_rate", _("On-time accepting"), _("accepted in time ÷ accepted"),
          "accepted_in_time", "accepted",
          ({"accepted_in_time": 99, "accepted": 100}, Fraction(99, 100))),
    _rate("send_confirm_in_time_rate", _("On-time sending to confirm"),
          _("sent to confirm in time ÷ sent to confirm"),
          "sent_to_confirm_in_time", "sent_to_confirm",
          ({"sent_to_confirm_in_time": 9, "sent_to_confirm": 10}, Fraction(9, 10))),
    _rate("send_check_in_time_rate", _("On-time sending to check"),
          _("sent to check in time ÷ sent to check"), "sent_to_check_in_time", "sent_to_check",
          ({"sent_to_check_in_time": 4, "sent_to_check": 5}, Fraction(4, 5))),
    # ── shift supervisors ─────────────────────────────────────────────────────────────────────
    _count("filing_due", _("Filings due"), _("cases whose filing was decided")),
    _count("filed_in_time", _("Filed in time"), _("of these, in time"), **_UP),
    _count("filed", _("Cases filed"), _("cases filed")),
    _count("voided", _("Cases voided"), _("filed cases voided afterwards"), **_DOWN),
    Indicator("filed_accurately", _("Filed accurately"), _("filed − voided"),
              ("filed",), minus=("voided",), direction=Direction.UP),
    _count("closing_due", _("Closings due"), _("cases whose closing was decided")),
    _count("closed", _("Closings done"), _("cases closed"), **_UP),
    _count("closed_in_time", _("Closed in time"),
           _("cases whose closing was decided in time"), **_UP),
    _rate("filing_in_time_rate", _("On-time filing"), _("filed in time ÷ to file"),
          "filed_in_time", "filing_due",
          ({"filed_in_time": 97, "filing_due": 100}, Fraction(97, 100))),
    _rate("filing_accurate_rate", _("Accurate filing"), _("(filed − voided) ÷ filed"),
          "filed", "filed", ({"filed": 50, "voided": 1}, Fraction(49, 50)), minus=("voided",)),
    _rate("closing_in_time_rate", _("On-time closing"), _("closed in time ÷ to close"),
          "closed_in_time", "closing_due",
          ({"closed_in_time": 45, "closing_due": 60}, Fraction(3, 4))),
    # ── dispatchers ───────────────────────────────────────────────────────────────────────────
    _count("dispatch_due", _("Dispatches due"), _("cases whose dispatching was done")),
    _count("dispatched", _("Cases dispatched"), _("cases dispatched to a department"), **_UP),
    _count("dispatched_in_time", _("Dispatched in time"), _("of those to dispatch, in time"),
           **_UP),
    _count("redispatched", _("Sent elsewhere afterwards"),
           _("dispatches followed by one to another department"), **_DOWN),
    Indicator("dispatched_accurately", _("Dispatched accurately"),
              _("dispatched − sent elsewhere afterwards"), ("dispatched",),
              minus=("redispatched",), direction=Direction.UP),
    _rate("dispatch_in_time_rate", _("On-time dispatch"), _("dispatched in time ÷ to dispatch"),
          "dispatched_in_time", "dispatch_due",
          ({"dispatched_in_time": 198, "dispatch_due": 200}, Fraction(99, 100))),
    _rate("dispatch_accurate_rate", _("Accurate dispatch"),
          _("(dispatched − sent elsewhere afterwards) ÷ dispatched"), "dispatched", "dispatched",
          ({"dispatched": 200, "redispatched": 8}, Fraction(24, 25)), minus=("redispatched",)),
    # ── departments ───────────────────────────────────────────────────────────────────────────
    _count("handling_due", _("Handling due"),
           _("handled + due in the period and still open at its end"), *_DUE_TO_HANDLE),
    _count("handled", _("Cases handled"), _("cases whose handling was done"), **_UP),
    _count("handled_in_time", _("Handled in time"), _("of these, in time"), **_UP),
    _count("handled_late", _("Handled late"), _("of these, late"), **_DOWN),
    _count("handling_open_late", _("Open and late"),
           _("due in the period and still open at its end"), **_DOWN),
    _count("unsolved", _("Closed unsolved"), _("handling given up after a suspension"), **_DOWN),
    _count("proxied", _("Handled by proxy"), _("cases that a proxy squad took over"), **_DOWN),
    _count("reworked", _("Cases reworked"), _("checks that failed"), **_DOWN),
    _count("returned", _("Cases returned"), _("cases returned to the desk"), **_DOWN),
    _count("extended", _("Extensions"), _("extensions granted"), **_DOWN),
    _count("suspended", _("Cases suspended"), _("suspensions granted"), **_DOWN),
    _rate("handling_in_time_rate", _("On-time handling"), _("handled in time ÷ to handle"),
          "handled_in_time", _DUE_TO_HANDLE,
          ({"handled_in_time": 180, "handled": 192, "handling_open_late": 8}, Fraction(9, 10))),
    _rate("handling_closed_rate", _("Closing rate of departments"), _("handled ÷ to handle"),
          "handled", _DUE_TO_HANDLE,
          ({"handled": 192, "handling_open_late": 8}, Fraction(24, 25))),
    _rate("rework_rate", _("Rework rate"), _("reworked ÷ handled"), "reworked", "handled",
          ({"reworked": 6, "handled": 192}, Fraction(1, 32)), **_DOWN),
    _rate("handling_mean", _("Mean time of handling"),
          _("time used for handling, as limits count it ÷ handled"), "handling_seconds", "handled",
          ({"handling_seconds": 86_400, "handled": 4}, Fraction(360)),
          unit=Unit.MINUTES, direction=Direction.DOWN, divisor=60),
    # ── the city and its areas ────────────────────────────────────────────────────────────────
    _count("finishing_due", _("Due to be closed"),
           _("closed + due in the period and still open at its end"), *_DUE_TO_FINISH),
    _count("finished", _("Cases closed"), _("whole cases that were closed"), **_UP),
    _count("finished_in_time", _("Cases closed in time"), _("of these, in time"), **_UP),
    _count("finished_late", _("Cases closed late"), _("of these, late"), **_DOWN),
    _count("open_late", _("Cases open and late"),
           _("cases due in the period and still open at its end"), **_DOWN),
    _count("filed_public", _("Reported by the public"),
           _("filed cases that the public, the hotline or the media reported")),
    _count("repeated", _("Came back"),
           _("filed again: the same type in the same cell within the days set"), **_DOWN),
    _count("reopened", _("Cases reopened"), _("closed cases opened again"), **_DOWN),
    _count("satisfied", _("Satisfied callers"), _("call-backs that were satisfied"), **_UP),
    _rate("closed_rate", _("Closing rate"), _("cases closed ÷ due to be closed"),
          "finished", _DUE_TO_FINISH, ({"finished": 76, "open_late": 4}, Fraction(19, 20))),
    _rate("finished_in_time_rate", _("On-time closing of cases"),
          _("cases closed in time ÷ due to be closed"), "finished_in_time", _DUE_TO_FINISH,
          ({"finished_in_time": 72, "finished": 76, "open_late": 4}, Fraction(9, 10))),
    _rate("public_share", _("Share reported by the public"), _("reported by the public ÷ filed"),
          "filed_public", "filed", ({"filed_public": 30, "filed": 120}, Fraction(1, 4)), **_DOWN),
    _rate("repeat_rate", _("Repeat rate"), _("came back ÷ filed"), "repeated", "filed",
          ({"repeated": 3, "filed": 120}, Fraction(1, 40)), **_DOWN),
)
# fmt: on

INDICATORS: dict[str, Indicator] = {indicator.key: indicator for indicator in _ALL}


def measures_of(keys: Iterator[str] | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Return every measure that some indicators are made of, each once."""
    return tuple(dict.fromkeys(m for key in keys for m in INDICATORS[key].measures))
