"""Sentences that say what figures do: up, down, unchanged, or nothing where nothing is known.

Rates change by percentage points; counts by cases, with their share of what was before. A change
is that of the figures as they are shown, so that no sentence contradicts the table beside it.

*Example.* 1,204 filed, 1,100 the month before, 1,204 a year ago: "up 104 (9.5%) on the month
before, unchanged on the same month last year". 88.0 % in time after 90.5 %: "down 2.5 percentage
points".
"""

from __future__ import annotations

from fractions import Fraction

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from evaluation.indicators import Indicator, Unit
from evaluation.pages.words import count_text, minutes_text, percent_text, rounded, value_text

MONTH, YEAR = "month", "year"


def told(
    indicator: Indicator, values: tuple[Fraction | None, Fraction | None, Fraction | None]
) -> str:
    """Return a figure with how it changed: now, the month before, the same month last year."""
    now, before, year_ago = values
    text = value_text(indicator, now)
    if now is not None and indicator.unit is Unit.CASES:
        text = _cases(text)
    changes = changes_told(indicator, now, before, year_ago)
    return _("%(figure)s, %(changes)s") % {"figure": text, "changes": changes} if changes else text


def changes_told(
    indicator: Indicator, now: Fraction | None, before: Fraction | None, year_ago: Fraction | None
) -> str:
    """Return how a figure changed against both; "" where neither is known."""
    some = [
        change_told(indicator, now, then, against)
        for then, against in ((before, MONTH), (year_ago, YEAR))
    ]
    return pgettext("changes", ", ").join(part for part in some if part)


def change_told(
    indicator: Indicator, now: Fraction | None, before: Fraction | None, against: str
) -> str:
    """Return how a figure changed against one; "" where one of the two is not known."""
    if now is None or before is None:
        return ""
    step, amount = _step(indicator, now, before)
    return _patterns(against)[step + 1] % {"amount": amount}


def _patterns(against: str) -> tuple[str, str, str]:
    """Return what is said of less, the same and more."""
    if against == MONTH:
        return (
            _("down %(amount)s on the month before"),
            _("unchanged on the month before"),
            _("up %(amount)s on the month before"),
        )
    return (
        _("down %(amount)s on the same month last year"),
        _("unchanged on the same month last year"),
        _("up %(amount)s on the same month last year"),
    )


def change_cell(indicator: Indicator, now: Fraction | None, before: Fraction | None) -> str:
    """Return a change for a table, with its sign; "" where one of the two is not known."""
    if now is None or before is None:
        return ""
    step, amount = _step(indicator, now, before)
    return f"{'+' if step > 0 else '−'}{amount}" if step else _("unchanged")


def _step(indicator: Indicator, now: Fraction, before: Fraction) -> tuple[int, str]:
    """Return the direction of a change (1, 0, −1), and its size in words without a sign."""
    if indicator.unit is Unit.RATIO:
        shown, then = (Fraction(percent_text(each).rstrip("%")) for each in (now, before))
        points = rounded(abs(shown - then), 1 if (shown - then) % Fraction(1, 10) == 0 else 2)
        return _sign(shown - then), _("%(points)s percentage points") % {"points": points}
    if indicator.unit is Unit.MINUTES:
        shown, then = (Fraction(rounded(each, 0)) for each in (now, before))
        return _sign(shown - then), minutes_text(abs(shown - then))
    change = now - before
    size = _cases(count_text(int(abs(change))))
    if before <= 0 or not change:
        return _sign(change), size
    share = percent_text(abs(change) / before)
    return _sign(change), _("%(count)s (%(share)s)") % {"count": size, "share": share}


def _cases(count: str) -> str:
    """Return a count with its measure word, where the language has one."""
    return pgettext("cases", "%(count)s") % {"count": count}


def _sign(change: Fraction) -> int:
    return (change > 0) - (change < 0)
