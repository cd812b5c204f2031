"""Bulk change of a body: a street handed to a new maintainer, as one act in the history.

Exactly the components in use of a ledger's filter. The preview has a fingerprint of the set and its
present bodies; what has changed since is refused, when it is asked for and again when it is done.
One statement changes all, or nothing. Another act undoes it from the history and leaves alone what
somebody changed since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pghistory
from django.contrib.postgres.aggregates import BitXor
from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from accounts.roles import CHANGE_BODIES, may
from common.errors import DomainError
from common.rows import rows_estimate
from common.text import clean_text
from components.models import CaseType, Component
from components.register.filters import Narrowed, register_filter
from components.register.ledger import components_described
from components.register.models import BodyChange, BodyRole, JobState
from components.register.publish import bodies_asked
from components.selectors import NotThere

AT_ONCE = 2_000  # components; more are a job
MAX_CHANGED = 1_000_000
MAX_REASON = 300
SAMPLE = 10


@dataclass(frozen=True, slots=True)
class Preview:
    """What an act would do: how many components, by type and present body, and a few of them."""

    narrowed: Narrowed
    role: BodyRole
    body: Organisation | None
    groups: list[tuple[CaseType, Organisation | None, int]]
    count: int  # components of the filter
    changing: int  # those with another body now
    fingerprint: str
    sample: list[Component]


class StalePreview(DomainError):
    """The components are not those of the preview any more."""

    def __init__(self) -> None:
        message = _("The register changed since this preview. Look at the new one.")
        super().__init__("stale_version", message, status=409)


def bodies_preview(*, user: User, query: Mapping[str, str], role: str, body: str) -> Preview:
    """Return what giving a filter's components another body would do: nothing is written.

    ``body`` is a code; empty takes owner or maintainer away.
    Raise DomainError ``role_refused`` 403, ``invalid`` 400, ``too_large`` 413.
    """
    if not may(user.roles, CHANGE_BODIES):
        raise DomainError("role_refused", _("You may not do this."), status=403)
    narrowed, to_role = register_filter(user, query), _role(role)
    given = _body(user, to_role, body)
    rows = narrowed.rows.filter(retired_date__isnull=True)
    if rows_estimate(rows) > 2 * MAX_CHANGED:
        raise _too_large()
    found = list(
        rows.order_by()
        .values("type", to_role.value)
        .annotate(count=Count("pk"), together=BitXor("pk"))
        .order_by("type", to_role.value)
    )
    count = sum(group["count"] for group in found)
    if count > MAX_CHANGED:
        raise _too_large()
    sampled = list(rows.order_by("pk").values_list("pk", flat=True)[:SAMPLE])
    present = given.pk if given else None
    staying = sum(group["count"] for group in found if group[to_role.value] == present)
    return Preview(
        narrowed=narrowed,
        role=to_role,
        body=given,
        groups=_named_groups(found, to_role.value),
        count=count,
        changing=count - staying,
        fingerprint=hashlib.sha256(repr(found).encode()).hexdigest()[:32],
        sample=components_described(sampled),
    )


@transaction.atomic
def bodies_ask(
    *,
    actor: User,
    query: Mapping[str, str],
    role: str,
    body: str,
    reason: str,
    fingerprint: str,
    now: datetime,
) -> BodyChange:
    """Give all components of a filter another body: at once, or by a worker where they are many.

    Raise as ``bodies_preview``; StalePreview when the components are not those of the preview;
    DomainError ``missing_field`` without a reason, ``not_possible`` where nothing would change.
    """
    preview = bodies_preview(user=actor, query=query, role=role, body=body)
    if preview.fingerprint != fingerprint:
        raise StalePreview
    if not preview.changing:
        raise DomainError("not_possible", _("They all have this body already."), status=409)
    change = BodyChange.objects.create(
        city_id=actor.city_id,
        filter=preview.narrowed.query,
        role=preview.role,
        body=preview.body,
        reason=_reason(reason),
        count=preview.changing,
        fingerprint=fingerprint,
        asked_by=actor,
        asked_at=now,
    )
    return _now_or_later(change, now)


@transaction.atomic
def bodies_undo(*, actor: User, change_id: int, reason: str, now: datetime) -> BodyChange:
    """Take a bulk change back by another act: what was changed since stays as it is.

    Raise NotThere; DomainError ``role_refused`` 403, ``not_possible`` 409 for an act that is not
    done or is an undoing or is undone already, ``missing_field`` 400.
    """
    if not may(actor.roles, CHANGE_BODIES):
        raise DomainError("role_refused", _("You may not do this."), status=403)
    bodies_get_visible(user=actor, change_id=change_id)
    done = BodyChange.objects.select_for_update().get(pk=change_id)
    if done.state != JobState.DONE or done.undoes_id or hasattr(done, "undone_by"):
        message = _("Only an act that is done and not undone can be undone.")
        raise DomainError("not_possible", message, status=409)
    change = BodyChange.objects.create(
        city_id=done.city_id,
        filter=done.filter,
        role=done.role,
        body=done.body,
        reason=_reason(reason),
        count=done.changed_count,
        asked_by=actor,
        asked_at=now,
        undoes=done,
    )
    return _now_or_later(change, now)


def bodies_run(*, change_id: int, now: datetime) -> BodyChange | None:
    """Do a bulk change that waits; None when it is done or another worker is at it.

    Everything is one transaction: a worker that is killed leaves the act waiting.
    """
    with transaction.atomic():
        waiting = BodyChange.objects.select_for_update(skip_locked=True, of=("self",))
        change = waiting.filter(pk=change_id, state=JobState.WAITING).first()
        if change is None:
            return None
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
        try:
            with transaction.atomic():
                _do(change, now)
        except DomainError as refused:
            change.state, change.failure = JobState.FAILED, str(refused.message)[:300]
            change.ended_at = now
            change.save()
    return change


def bodies_resume() -> int:
    """Send again the bulk changes that wait; returns how many."""
    ids = list(BodyChange.objects.filter(state=JobState.WAITING).values_list("pk", flat=True))
    for change_id in ids:
        bodies_asked(change_id)
    return len(ids)


def bodies_get_visible(*, user: User, change_id: int) -> BodyChange:
    """Return a bulk change of the person's city; raise NotThere."""
    changes = BodyChange.objects.filter(pk=change_id, city=user.city_id)
    change = changes.select_related("body", "asked_by", "undoes", "undone_by").first()
    if change is None or not may(user.roles, CHANGE_BODIES):
        raise NotThere(_("There is no such act."))
    return change


# ── behind the doors ──────────────────────────────────────────────────────────────────────────


def _now_or_later(change: BodyChange, now: datetime) -> BodyChange:
    if change.count <= AT_ONCE:
        _do(change, now)
    else:
        bodies_asked(change.pk)
    return change


def _do(change: BodyChange, now: datetime) -> None:
    act = "bodies_undone" if change.undoes_id else "bodies"
    with pghistory.context(
        act=act, bodies=change.pk, user=change.asked_by_id, reason=change.reason
    ) as context:
        change.changed_count = _undo(change) if change.undoes_id else _change(change)
        change.context = context.id
    change.state, change.ended_at = JobState.DONE, now
    change.save()
    if change.undoes_id:
        BodyChange.objects.filter(pk=change.undoes_id).update(state=JobState.UNDONE)


def _change(change: BodyChange) -> int:
    preview = bodies_preview(
        user=change.asked_by,
        query=change.filter,
        role=change.role,
        body=change.body.code if change.body else "",
    )
    if preview.fingerprint != change.fingerprint:
        raise StalePreview
    rows = _others(preview.narrowed.rows, preview.role, preview.body)
    changed = rows.update(**{change.role: change.body})
    if changed != change.count:
        raise StalePreview
    return changed


def _others(
    rows: QuerySet[Component], role: BodyRole, body: Organisation | None
) -> QuerySet[Component]:
    in_use = rows.filter(retired_date__isnull=True)
    if body is None:
        return in_use.filter(**{f"{role}__isnull": False})
    return in_use.filter(~Q(**{role.value: body}) | Q(**{f"{role}__isnull": True}))


# By the index on the context of the history's entries.
_UNDO = """
UPDATE components_component AS component
SET {role}_id = before.{role}_id
FROM components_componentevent AS before
WHERE before.pgh_context_id = %(context)s AND before.pgh_obj_id = component.id
    AND component.{role}_id IS NOT DISTINCT FROM %(body)s AND component.retired_date IS NULL
"""


def _undo(change: BodyChange) -> int:
    done = change.undoes
    assert done is not None
    with connection.cursor() as cursor:
        role = BodyRole(change.role).value
        cursor.execute(_UNDO.format(role=role), {"context": done.context, "body": done.body_id})
        return cursor.rowcount


def _named_groups(
    found: list[dict[str, Any]], role: str
) -> list[tuple[CaseType, Organisation | None, int]]:
    types = CaseType.objects.in_bulk({group["type"] for group in found})
    bodies = Organisation.objects.in_bulk({group[role] for group in found} - {None})
    groups = [(types[group["type"]], bodies.get(group[role]), group["count"]) for group in found]
    return sorted(groups, key=lambda group: -group[2])


def _role(raw: str) -> BodyRole:
    if raw not in BodyRole.values:
        message = _("Choose one of: %(values)s.") % {"values": ", ".join(BodyRole.values)}
        raise DomainError("invalid", message, {"new_role": [message]})
    return BodyRole(raw)


def _body(user: User, role: BodyRole, code: str) -> Organisation | None:
    if not code and role != BodyRole.COMPETENT_BODY:
        return None
    bodies = Organisation.objects.filter(city=user.city_id, is_active=True)
    body = bodies.filter(code=code).first() if "\x00" not in code else None
    if body is None:
        message = _("There is no such organisation.")
        raise DomainError("invalid", message, {"new_body": [message]})
    return body


def _too_large() -> DomainError:
    message = _("At most %(most)s components at once: narrow the filter.")
    return DomainError("too_large", message % {"most": f"{MAX_CHANGED:,}"}, status=413)


def _reason(raw: str) -> str:
    reason = clean_text(raw)[:MAX_REASON]
    if not reason:
        raise DomainError("missing_field", _("Say why."), {"reason": [_("Say why.")]}, status=400)
    return reason
