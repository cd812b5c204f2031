"""A statement's lines in words: what each is called, and its formula with the numbers in it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy

from common.money import money_text
from evaluation.contracts.amounts import Line, LineKind
from evaluation.pages.words import count_text, percent_text, rounded

NAMES: Mapping[LineKind, str | Promise] = {
    LineKind.FEE: gettext_lazy("Fee of the lot"),
    LineKind.REPORTS: gettext_lazy("Valid reports beyond those covered"),
    LineKind.SHORTFALL: gettext_lazy("Valid reports too few"),
    LineKind.MISSED: pgettext_lazy("contract", "Missed cases"),
    LineKind.CONFIRM: gettext_lazy("Late confirmations"),
    LineKind.CHECK: gettext_lazy("Late checks"),
    LineKind.QUALITY: gettext_lazy("Quality deductions"),
    LineKind.LIMIT: gettext_lazy("Deductions beyond the limit, given back"),
    LineKind.SETTLED: gettext_lazy("Settled by earlier statements of the month"),
}


def share_text(share: Fraction) -> str:
    """Return a share of the fee in percent, such as "2%" or "2.5%"."""
    return f"{rounded(share * 100, 2).normalize():f}%"


def quantity_text(line: Line) -> str:
    """Return how many, and of how many."""
    if line.kind is LineKind.FEE:
        days = {"days": line.quantity, "of": line.of}
        return _("%(days)s of %(of)s days") % days
    if line.kind is LineKind.LIMIT:
        return ""
    if line.of is None:
        return count_text(line.quantity)
    return f"{count_text(line.quantity)} / {count_text(line.of)}"


def formula_text(line: Line) -> str:
    """Return the formula of a line with its numbers: what a person would type to check it."""
    return _FORMULAS[line.kind](line, line.numbers or {})


def _fee(line: Line, numbers: Mapping[str, Any]) -> str:
    fee = money_text(numbers["fee_fen"])
    if line.quantity == line.of:
        return fee
    said = {"fee": fee, "days": line.quantity, "of": line.of}
    return _("%(fee)s × %(days)s ÷ %(of)s days") % said


def _reports(line: Line, numbers: Mapping[str, Any]) -> str:
    said = {
        "count": count_text(line.quantity),
        "covered": count_text(numbers["included"]),
        "price": money_text(numbers["price_fen"]),
    }
    if line.quantity <= numbers["included"]:
        return _("%(count)s, and %(covered)s are covered by the fee") % said
    text = _("(%(count)s − %(covered)s covered) × %(price)s") % said
    if numbers["ceiling_fen"] is None:
        return text
    return _("%(formula)s, at most %(ceiling)s") % {
        "formula": text,
        "ceiling": money_text(numbers["ceiling_fen"]),
    }


def _shortfall(line: Line, numbers: Mapping[str, Any]) -> str:
    said = {
        "count": count_text(line.quantity),
        "agreed": count_text(numbers["included"]),
        "price": money_text(numbers["price_fen"]),
    }
    if line.quantity >= numbers["included"]:
        return _("%(count)s of at least %(agreed)s") % said
    return _("(%(agreed)s agreed − %(count)s) × %(price)s") % said


def _missed(line: Line, numbers: Mapping[str, Any]) -> str:
    return f"{count_text(line.quantity)} × {money_text(numbers['price_fen'])}"


def _in_time(line: Line, numbers: Mapping[str, Any]) -> str:
    if not line.of:
        return _("nothing was due")
    said = {
        "in_time": count_text(line.of - line.quantity),
        "due": count_text(line.of),
        "rate": percent_text(Fraction(line.of - line.quantity, line.of)),
        "share": share_text(Fraction(numbers["share"])),
        "fee": money_text(numbers["fee_fen"]),
    }
    return _("%(in_time)s ÷ %(due)s = %(rate)s in time: %(share)s of %(fee)s") % said


def _quality(line: Line, _numbers: Mapping[str, Any]) -> str:
    if not line.quantity:
        return _("none was booked")
    words = ngettext(
        "%(count)s deduction as booked", "%(count)s deductions as booked", line.quantity
    )
    return words % {"count": line.quantity}


def _limit(_line: Line, numbers: Mapping[str, Any]) -> str:
    said = {
        "deducted": money_text(numbers["deducted_fen"]),
        "share": share_text(Fraction(numbers["share"])),
        "fee": money_text(numbers["fee_fen"]),
    }
    return _("%(deducted)s taken off, at most %(share)s of %(fee)s") % said


def _settled(line: Line, _numbers: Mapping[str, Any]) -> str:
    words = ngettext("%(count)s statement before", "%(count)s statements before", line.quantity)
    return words % {"count": line.quantity}


_FORMULAS = {
    LineKind.FEE: _fee,
    LineKind.REPORTS: _reports,
    LineKind.SHORTFALL: _shortfall,
    LineKind.MISSED: _missed,
    LineKind.CONFIRM: _in_time,
    LineKind.CHECK: _in_time,
    LineKind.QUALITY: _quality,
    LineKind.LIMIT: _limit,
    LineKind.SETTLED: _settled,
}


def terms_text(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return terms as they are read: name and value, of what was agreed only."""
    rows = [(_("Fee a month"), money_text(told["fee_fen"]))]
    if told["included_count"]:
        rows.append((_("Valid reports covered"), count_text(told["included_count"])))
    if told["report_fen"]:
        price = money_text(told["report_fen"])
        if told["ceiling_fen"] is not None:
            most = {"formula": price, "ceiling": money_text(told["ceiling_fen"])}
            price = _("%(formula)s, at most %(ceiling)s") % most
        rows.append((_("Each valid report beyond"), price))
    if told["shortfall_fen"]:
        rows.append((_("Off for each report too few"), money_text(told["shortfall_fen"])))
    if told["missed_fen"]:
        rows.append((_("Off for each missed case"), money_text(told["missed_fen"])))
    for name, key in (
        (pgettext("contract", "Confirmed in time"), "confirm_steps"),
        (pgettext("contract", "Checked in time"), "check_steps"),
    ):
        if told[key]:
            rows.append((name, _steps_text(told[key])))
    if told["most_deducted"] is not None:
        share = share_text(Fraction(told["most_deducted"]))
        rows.append((_("Taken off at most"), _("%(share)s of the fee") % {"share": share}))
    return rows


def _steps_text(steps: list[Mapping[str, Any]]) -> str:
    parts = []
    for step in steps:
        share = Fraction(step["share"])
        said = {"share": share_text(share)}
        if step["at_least"] is None:
            parts.append(_("else −%(share)s") % said)
            continue
        said["rate"] = share_text(Fraction(step["at_least"]))
        words = _("from %(rate)s −%(share)s") if share else _("from %(rate)s nothing")
        parts.append(words % said)
    return " · ".join(parts)
