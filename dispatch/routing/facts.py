"""Reading what the rules ask: who answers at a place, whose a component is, which rules hold.

One query for one case, whatever its rules: it is asked within the door, at every dispatch. For many
cases (a dry run) what depends on the place alone is read once a place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from django.db import connection
from django.utils import timezone

from cases.fields import HANDLING_KINDS
from cases.models import Case
from cases.services.clocks import calendar_of
from common.prepared import Statement
from dispatch.models import PublishedRules
from dispatch.routing.rules import Facts, Ground, RuleBook
from dispatch.routing.terms import Level

# The kinds of bodies the door lets handle a case, as SQL.
KINDS = ", ".join(f"'{kind.value}'" for kind in sorted(HANDLING_KINDS))

# Who answers here, one row. The trade is the standard's, else the type's; trades and bodies may be
# named beside those of the rules in force. Reads jurisdictions by body; the version in force is the
# newest of rules_version_unique.
_HERE = f"""
WITH asked AS (
    SELECT %s::bigint AS city, %s::date AS day, %s::bigint[] AS areas, %s::bigint AS managed,
           %s::bigint AS cell, %s::bigint AS component, %s::bigint AS standard, %s::text AS trade,
           %s::text[] AS trades, %s::bigint[] AS named
), own AS (
    SELECT COALESCE(NULLIF(standard.lead_department_kind, ''), trade)::text AS trade
    FROM asked LEFT JOIN components_casestandard AS standard ON standard.id = asked.standard
), rules AS (
    SELECT id, trades, organisations FROM dispatch_publishedrules
    WHERE city_id = (SELECT city FROM asked) ORDER BY number DESC LIMIT 1
), wanted AS (
    SELECT trades || (SELECT trade FROM own) || COALESCE((SELECT trades::text[] FROM rules), '{{}}')
               AS trades,
           named || COALESCE((SELECT organisations FROM rules), '{{}}') AS named
    FROM asked
), bodies AS (
    SELECT id, department_kind AS trade, path FROM accounts_organisation
    WHERE city_id = (SELECT city FROM asked) AND is_active AND kind IN ({KINDS})
      AND department_kind = ANY ((SELECT trades FROM wanted)::text[])
), ground AS (
    SELECT organisation_id, area_id, management_area_id, id FROM grid_jurisdiction, asked
    WHERE function = 'handling' AND valid_from <= day AND (valid_to IS NULL OR valid_to > day)
      AND organisation_id IN (SELECT id FROM bodies)
), here AS (
    SELECT organisation_id, COALESCE(area.level, '{Level.MANAGEMENT_AREA.value}') AS level
    FROM ground LEFT JOIN grid_area AS area ON area.id = ground.area_id, asked
    WHERE ground.area_id = ANY (areas) OR ground.management_area_id = managed
    UNION
    SELECT organisation_id, '{Level.CELLS.value}' FROM ground
    WHERE EXISTS (
        SELECT FROM grid_jurisdiction_cells AS part
        WHERE part.jurisdiction_id = ground.id AND part.gridcell_id = (SELECT cell FROM asked)
    )
    UNION
    SELECT id, '{Level.CITY.value}' FROM bodies
    WHERE NOT EXISTS (
        SELECT FROM grid_jurisdiction AS held
        WHERE held.organisation_id = bodies.id AND held.function = 'handling'
    )
)
SELECT
    (SELECT id FROM rules),
    (SELECT array_agg(id) FROM accounts_organisation
     WHERE id = ANY ((SELECT named FROM wanted)::bigint[]) AND is_active AND kind IN ({KINDS})),
    (SELECT json_agg(json_build_array(trade, level, id) ORDER BY path)
     FROM here JOIN bodies ON bodies.id = here.organisation_id),
    (SELECT json_build_object('maintainer', maintainer.id, 'owner', owner.id,
                              'competent', competent.id)
     FROM components_component AS thing
     LEFT JOIN accounts_organisation AS maintainer
       ON maintainer.id = thing.maintainer_id AND maintainer.is_active
         AND maintainer.kind IN ({KINDS})
     LEFT JOIN accounts_organisation AS owner
       ON owner.id = thing.owner_id AND owner.is_active
         AND owner.kind IN ({KINDS})
     LEFT JOIN accounts_organisation AS competent
       ON competent.id = thing.competent_body_id AND competent.is_active
         AND competent.kind IN ({KINDS})
     WHERE thing.id = (SELECT component FROM asked)),
    (SELECT current_version_id FROM cases_workcalendar
     WHERE city_id = (SELECT city FROM asked) AND is_default ORDER BY id LIMIT 1),
    (SELECT trade FROM own)
"""  # noqa: S608  constants of the code alone
HERE = Statement("routing_here", _HERE)


@dataclass(frozen=True, slots=True)
class Here:
    """Who answers at a place, whose the component is, and which rules and calendar hold."""

    rules_id: int | None
    ground: Ground
    component: dict[str, int | None]
    calendar_id: int | None
    trade: str


def here(case: Case, on: date, book: RuleBook | None = None, trades: Sequence[str] = ()) -> Here:
    """Return who answers where a case lies; ``book`` is a draft to be asked beside the rules.

    Besides the case's trade and those of the rules, ``trades`` are asked about.
    """
    values = [
        case.city_id,
        on,
        [case.community_id, case.street_id, case.district_id],
        case.management_area_id,
        case.cell_id,
        case.component_id,
        case.standard_id,
        case.type.lead_department_kind if case.type is not None else "",
        [*trades, *(trades_of(book) if book else ())],
        sorted(organisations_of(book)) if book else [],
    ]
    with connection.cursor() as cursor:
        HERE.execute(cursor, values)
        rules_id, active, bodies, component, calendar_id, trade = cursor.fetchone()
    first: dict[tuple[str, str], int] = {}
    for of_trade, level, organisation in bodies or ():
        first.setdefault((of_trade, level), organisation)
    ground = Ground(first, frozenset(active or ()))
    return Here(rules_id, ground, component or {}, calendar_id, trade)


def trades_of(book: RuleBook) -> list[str]:
    """Return the trades that rules name."""
    return sorted({rule.lead_trade for rule in book.rules} - {""})


def organisations_of(book: RuleBook) -> set[int]:
    """Return the organisations that rules name, leads and helpers."""
    leads = {rule.lead_organisation for rule in book.rules if rule.lead_organisation is not None}
    return leads | {part.organisation for rule in book.rules for part in rule.cooperating}


def facts_of(case: Case, place: Here, *, at: datetime, on: date, needs_day: bool) -> Facts:
    """Return what the rules ask about a case given out at a moment, by the contracts of a day.

    What kind of day it is costs reading a calendar: it is a working day unless ``needs_day``.
    """
    local, case_type = timezone.localtime(at), case.type
    is_working_day = True
    if needs_day and place.calendar_id is not None:
        is_working_day = calendar_of(place.calendar_id).is_working_day(local.date())
    return Facts(
        type=case_type.code if case_type else "",
        type_class=case_type.type_class_id if case_type else None,
        kind=case_type.kind if case_type else "",
        trade=place.trade,
        zone_grade=case.zone_grade,
        areas=frozenset((case.community_id, case.street_id, case.district_id)),
        management_area=case.management_area_id,
        source=case.source,
        on=on,
        minute=local.hour * 60 + local.minute,
        is_working_day=is_working_day,
        **place.component,
    )


# ── the rules in force ────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=16)
def book_of(rules_id: int) -> RuleBook:
    """Return a published version; it never changes, so it may be kept."""
    rules = PublishedRules.objects.get(pk=rules_id)
    return RuleBook.from_data(rules.data, rules.number)


def rules_in_force(city_id: int) -> PublishedRules | None:
    """Return the newest version of a city's rules."""
    return PublishedRules.objects.filter(city=city_id).order_by("-number").first()
