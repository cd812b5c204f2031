"""Rules and what they say, in words, in the reader's language.

A version keeps the names of what its rules refer to, so that reading it needs no look-ups and an
old version reads as it did.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cases.models import Source
from components.department_kinds import DepartmentKind
from components.models import TypeKind
from dispatch.routing.rules import Decision, Rule, RuleBook
from dispatch.routing.terms import Bodies, DayKind, LeadBy, Level
from grid.models import Zone

SHOWN = 6  # of a long list of types or areas


class Words:
    """Says what the rules of a book mean."""

    def __init__(self, book: RuleBook) -> None:
        self.book = book
        self.is_english = (get_language() or "").startswith("en")

    def name(self, rule: Rule) -> str:
        """Return a rule's name."""
        return (rule.name_en if self.is_english else "") or rule.name or rule.code

    def reason(self, decision: Decision) -> str:
        """Return why the rules lead where they lead, or why nowhere."""
        rule = decision.rule
        if rule is None:
            return _("No rule applies: nobody is known to answer for this here.")
        by = {"rule": self.name(rule), "version": self.book.number}
        if decision.organisation is None:
            return _("Nobody answers for this (rule “%(rule)s”, version %(version)s)") % by
        because = {"reason": self.because(rule, decision.level), **by}
        return _("%(reason)s (rule “%(rule)s”, version %(version)s)") % because

    def because(self, rule: Rule, level: str) -> str:
        """Return what ties the body to the case."""
        if rule.lead_by == LeadBy.TERRITORY:
            return AT_LEVEL[level]()
        if rule.lead_by == LeadBy.ORGANISATION and rule.contract:
            return _("Has the contract %(contract)s") % {"contract": rule.contract}
        return BY_RELATION[rule.lead_by]()

    def passed_over(self, decision: Decision) -> list[str]:
        """Return which rules would have decided, had their body not gone."""
        return [
            _("Rule “%(rule)s” would lead to %(body)s, which is no longer active.")
            % {
                "rule": self.name(rule),
                "body": self.label("organisations", rule.lead_organisation),
            }
            for rule in decision.passed_over
        ]

    # ── a rule by itself ──────────────────────────────────────────────────────────────────────

    def conditions(self, rule: Rule) -> list[str]:
        """Return when a rule applies, condition by condition."""
        parts = [
            self._types(rule),
            str(Bodies(rule.bodies).label) if rule.bodies else "",
            self._joined(str(Zone.Grade(grade).label) for grade in sorted(rule.zone_grades)),
            self._named("areas", rule.areas),
            self._named("management_areas", rule.management_areas),
            self._joined(str(Source(source).label) for source in sorted(rule.sources)),
            str(DayKind(rule.day_kind).label) if rule.day_kind else "",
            _window(rule),
            self._contract(rule),
        ]
        return [part for part in parts if part]

    def lead(self, rule: Rule) -> str:
        """Return who leads by a rule."""
        if rule.lead_by == LeadBy.ORGANISATION:
            return self.label("organisations", rule.lead_organisation)
        if rule.lead_by != LeadBy.TERRITORY:
            return str(LeadBy(rule.lead_by).label)
        trade = DepartmentKind(rule.lead_trade).label if rule.lead_trade else _("the case's trade")
        if not rule.lead_level:
            return _("the nearest body of: %(trade)s") % {"trade": trade}
        level = Level(rule.lead_level).label
        return _("the body of %(trade)s that answers for %(level)s") % {
            "trade": trade,
            "level": level,
        }

    def helpers(self, rule: Rule) -> str:
        """Return who is asked to help."""
        return self._joined(
            self.label("organisations", part.organisation) for part in rule.cooperating
        )

    def automatic_types(self) -> str:
        """Return the types that the system gives out, whatever rule applies."""
        codes = sorted(self.book.automatic_types)
        return self._joined(self.label("types", code) for code in codes)

    def label(self, kind: str, key: object) -> str:
        """Return the name of something a rule refers to, as the book keeps it."""
        names = self.book.labels.get(kind, {}).get(str(key))
        if not names:
            return f"{key}"
        return (names[1] if self.is_english else "") or names[0]

    def _types(self, rule: Rule) -> str:
        named = self._joined(
            [
                *(self.label("classes", key) for key in sorted(rule.classes)),
                *(self.label("types", code) for code in sorted(rule.types)),
            ]
        )
        return named or (str(TypeKind(rule.kind).label) if rule.kind else "")

    def _named(self, kind: str, keys: Iterable[int]) -> str:
        return self._joined(self.label(kind, key) for key in sorted(keys))

    def _joined(self, words: Iterable[str]) -> str:
        found = list(words)
        shown = (", " if self.is_english else "、").join(found[:SHOWN])
        rest = len(found) - SHOWN
        if rest <= 0:
            return shown
        return _("%(shown)s and %(rest)s more") % {"shown": shown, "rest": rest}

    def _contract(self, rule: Rule) -> str:
        if rule.valid_from is None and rule.valid_to is None:
            return ""
        dates = f"{rule.valid_from or '…'} – {rule.valid_to or '…'}"
        return _("contract %(contract)s %(dates)s") % {"contract": rule.contract, "dates": dates}


def _window(rule: Rule) -> str:
    if rule.from_minute is None or rule.to_minute is None:
        return ""
    first, last = (
        f"{minute // 60:02}:{minute % 60:02}" for minute in (rule.from_minute, rule.to_minute)
    )
    return f"{first}-{last}"


AT_LEVEL = {
    Level.CELLS.value: lambda: _("Answers for this trade in these cells"),
    Level.COMMUNITY.value: lambda: _("Answers for this trade in the community"),
    Level.STREET.value: lambda: _("Answers for this trade in the street"),
    Level.MANAGEMENT_AREA.value: lambda: _("Answers for this trade in the management area"),
    Level.DISTRICT.value: lambda: _("Answers for this trade in the district"),
    Level.CITY.value: lambda: _("Answers for this trade in the whole city"),
}
BY_RELATION = {
    LeadBy.MAINTAINER.value: lambda: _("Maintains the component"),
    LeadBy.OWNER.value: lambda: _("Owns the component"),
    LeadBy.COMPETENT.value: lambda: _("Is the component's competent body"),
    LeadBy.ORGANISATION.value: lambda: _("Named by the rule"),
}
