"""Repeat offenders: spots where cases of a type come back, found by rules and put to a supervisor.

A case is proposed under one rule once: what was ordered or dismissed counts no more, and only as
many new cases as the rule names propose the same spot again. While a proposal waits, further cases
join it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Max, Min, Prefetch, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from cases.models import Case, RepeatRule, RepeatSpot, RepeatSpotCase, SupervisionOrder
from cases.services import case_act
from cases.workflow import State, arrows_of
from common.errors import DomainError
from common.text import clean_text

LEFT_OUT = (State.REFUSED.value, State.VOIDED.value, State.MERGED.value)  # nothing was wrong there
TAKE_AN_ORDER = tuple(
    arrow.source.value for arrow in arrows_of("order_supervision") if arrow.source
)

# Cases of the last days that this rule has not proposed yet; by the index case_newest.
_FOUND = """
WITH found AS (
    SELECT c.id,
        CASE %(subject)s WHEN 'cell' THEN c.cell_id ELSE c.component_id END AS place_id,
        CASE WHEN %(class)s::bigint IS NULL THEN c.type_id END AS type_id
    FROM cases_case c JOIN components_casetype t ON t.id = c.type_id
    WHERE c.city_id = %(city)s AND c.reported_at >= %(since)s AND c.reported_at < %(now)s
        AND NOT c.state = ANY(%(left_out)s)
        AND (%(type)s::bigint IS NULL OR c.type_id = %(type)s)
        AND (%(class)s::bigint IS NULL OR t.type_class_id = %(class)s)
        AND NOT EXISTS (
            SELECT FROM cases_repeatspotcase m WHERE m.case_id = c.id AND m.rule_id = %(rule)s)
)
"""
_PROPOSE = (
    _FOUND
    + """
INSERT INTO cases_repeatspot
    (city_id, rule_id, cell_id, component_id, type_id, status, found_at, reason)
SELECT %(city)s, %(rule)s,
    CASE %(subject)s WHEN 'cell' THEN place_id END,
    CASE %(subject)s WHEN 'component' THEN place_id END,
    type_id, 'proposed', %(now)s, ''
FROM found WHERE place_id IS NOT NULL
GROUP BY place_id, type_id HAVING count(*) >= %(case_count)s
ON CONFLICT DO NOTHING
"""
)
_JOIN = (
    _FOUND
    + """
INSERT INTO cases_repeatspotcase (spot_id, rule_id, case_id)
SELECT s.id, %(rule)s, f.id
FROM found f JOIN cases_repeatspot s ON s.rule_id = %(rule)s AND s.status = 'proposed'
    AND coalesce(s.cell_id, s.component_id) = f.place_id
    AND s.type_id IS NOT DISTINCT FROM f.type_id
ON CONFLICT DO NOTHING
"""
)


def repeats_find(*, now: datetime) -> int:
    """Propose the spots the rules of today find; returns how many are new.

    Two statements a rule. Run twice at once, it proposes nothing twice: the database holds one open
    proposal a spot, and a case once a rule.
    """
    rules = RepeatRule.objects.valid_on(timezone.localdate(now)).order_by("pk")
    return sum(_find(rule, now) for rule in rules)


@transaction.atomic
def _find(rule: RepeatRule, now: datetime) -> int:
    values: dict[str, Any] = {
        "rule": rule.pk,
        "city": rule.city_id,
        "subject": rule.subject,
        "type": rule.type_id,
        "class": rule.type_class_id,
        "case_count": rule.case_count,
        "since": now - timedelta(days=rule.within_days),
        "now": now,
        "left_out": list(LEFT_OUT),
    }
    with connection.cursor() as cursor:
        cursor.execute(_PROPOSE, values)
        found = cursor.rowcount
        cursor.execute(_JOIN, values)
    return found


def spots_of(user: User, status: str) -> QuerySet[RepeatSpot]:
    """Return the spots of the reader's city in a status with their cases, newest first."""
    members = RepeatSpotCase.objects.select_related("case__department").order_by("-case_id")
    return (
        RepeatSpot.objects.filter(city=user.city_id, status=status)
        .select_related(
            "rule", "rule__type_class", "type", "cell", "component", "order", "decided_by"
        )
        .annotate(
            case_count=Count("members"),
            first_at=Min("members__case__reported_at"),
            last_at=Max("members__case__reported_at"),
        )
        .prefetch_related(Prefetch("members", members))
    )


def case_for_order(members: list[RepeatSpotCase]) -> Case | None:
    """Return the case an order is given in: an open one before a closed one, the newest first."""
    cases = [m.case for m in members if m.case.department_id and m.case.state in TAKE_AN_ORDER]
    return max(cases, key=lambda case: (case.is_open, case.pk), default=None)


def spot_order(
    *, spot_id: int, actor: User, text: str, reply_due: Any, now: datetime
) -> SupervisionOrder:
    """Turn a proposal into a supervision order, given in one of its cases through the door.

    Raises:
        DomainError: not_found 404, decided already or no case to give it in 409.
        ActionRefused: what the door says of the order itself.
    """
    with transaction.atomic():
        spot = _open_spot(spot_id, actor)
        members = list(spot.members.select_related("case"))
        case = case_for_order(members)
        if case is None:
            raise DomainError(
                "not_possible",
                _("No department has or had one of these cases: there is nobody to answer."),
                status=409,
            )
        case_act(
            case_id=case.pk,
            action="order_supervision",
            actor=actor,
            now=now,
            text=text,
            reply_due=reply_due,
        )
        spot.order = SupervisionOrder.objects.filter(case=case).latest("pk")
        _decide(spot, RepeatSpot.Status.ORDERED, actor, now)
    return spot.order


def spot_dismiss(*, spot_id: int, actor: User, reason: str, now: datetime) -> RepeatSpot:
    """Dismiss a proposal, with a reason; its cases are not proposed under this rule again.

    Raises:
        DomainError: not_found 404, decided already 409, missing_field 400.
    """
    words = clean_text(reason)
    if not words:
        message = _("Say why no supervision is needed.")
        raise DomainError("missing_field", message, {"reason": [message]})
    with transaction.atomic():
        spot = _open_spot(spot_id, actor)
        spot.reason = words
        _decide(spot, RepeatSpot.Status.DISMISSED, actor, now)
    return spot


def _open_spot(spot_id: int, actor: User) -> RepeatSpot:
    found = RepeatSpot.objects.select_for_update().filter(pk=spot_id, city=actor.city_id).first()
    if found is None:
        raise DomainError("not_found", _("There is no such proposal."), status=404)
    if found.status != RepeatSpot.Status.PROPOSED:
        message = _("Somebody has decided this proposal in the meantime.")
        raise DomainError("not_possible", message, status=409)
    return found


def _decide(spot: RepeatSpot, status: str, actor: User, now: datetime) -> None:
    spot.status, spot.decided_by, spot.decided_at = status, actor, now
    spot.save(update_fields=["status", "order", "reason", "decided_by", "decided_at"])
