"""Looking at the draft: rule by rule in words, what is wrong with it, and how it differs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import City
from dispatch.models import PublishedRules
from dispatch.routing.analysis import Finding, Kind, analyse
from dispatch.routing.draft import digest_of, draft_data, draft_rows, labels_of, rule_of
from dispatch.routing.dry_run import DryRun, dry_run
from dispatch.routing.facts import book_of, rules_in_force
from dispatch.routing.rules import Rule, RuleBook, rule_to_data
from dispatch.routing.words import Words
from dispatch.routing.world import world_on


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule as a reader sees it."""

    rule: Rule
    name: str
    conditions: list[str]
    lead: str
    helpers: str
    findings: list[Finding]
    change: str = ""  # against the version in force: "new", "changed", ""


@dataclass(frozen=True, slots=True)
class Review:
    """The draft against the version in force."""

    book: RuleBook
    digest: str
    current: PublishedRules | None
    lines: list[RuleLine]
    gone: list[str]  # rules in force that the draft has no longer
    findings: list[Finding]

    @property
    def number(self) -> int:
        """The version in force, 0 without one."""
        return self.current.number if self.current else 0

    @property
    def automatic_types(self) -> str:
        """The types that the system gives out, whatever rule applies, in words."""
        return Words(self.book).automatic_types()

    @property
    def is_changed(self) -> bool:
        """Whether publishing would change anything."""
        return self.current is None or self.current.digest != self.digest

    @property
    def is_usable(self) -> bool:
        """Whether the draft can be published."""
        return bool(self.book.rules) and all(f.kind is not Kind.UNUSABLE for f in self.findings)


def review(city: City, now: datetime) -> Review:
    """Return the draft in words, with what is wrong with it and how it differs."""
    data = draft_data(city)
    book = RuleBook.from_data(data, 0)
    current = rules_in_force(city.pk)
    before = book_of(current.pk) if current else RuleBook(0, ())
    findings = analyse(book, world_on(city, now))
    gone = [Words(before).name(rule) for rule in before.rules if rule.code not in book.by_code]
    return Review(book, digest_of(data), current, lines(book, findings, before), gone, findings)


def lines(
    book: RuleBook, findings: list[Finding] | None = None, before: RuleBook | None = None
) -> list[RuleLine]:
    """Return the rules of a book in words."""
    words = Words(book)
    return [
        RuleLine(
            rule,
            words.name(rule),
            words.conditions(rule),
            words.lead(rule),
            words.helpers(rule),
            [found for found in findings or () if found.rule == rule.code],
            _change(rule, before) if before else "",
        )
        for rule in book.rules
    ]


def _change(rule: Rule, before: RuleBook) -> str:
    known = before.by_code.get(rule.code)
    if known is None:
        return "new"
    return "" if rule_to_data(known) == rule_to_data(rule) else "changed"


def draft_dry_run(city: City, seen: Review, count: int, now: datetime) -> DryRun:
    """Ask the draft and the rules in force about the last cases."""
    current = book_of(seen.current.pk) if seen.current else None
    return dry_run(city=city, draft=seen.book, current=current, count=count, now=now)


def draft_words(city: City) -> dict[int, tuple[list[str], str]]:
    """Return conditions and lead of every row of the draft in words, by id."""
    rows = draft_rows(city)
    from_rows = {row.pk: rule_of(row) for row in rows}
    words = Words(RuleBook(0, tuple(from_rows.values()), labels=labels_of(rows, [])))
    return {pk: (words.conditions(rule), words.lead(rule)) for pk, rule in from_rows.items()}
