"""Acting on several cases at once: one act of the person, one act through the door a case.

A case that is refused keeps none of the others back and says why. Sent again with the same key,
every row has the answer it got; nothing is done twice. An act that was cut off (a killed worker) is
finished by sending it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import OperationalError
from django.utils.translation import gettext_lazy as _

from accounts.idempotency import body_hash, run_once
from accounts.models import User
from cases.bulk.kinds import KINDS, BulkKind
from cases.errors import CaseNotFound
from cases.models import BulkAct, Case
from cases.services.act import case_act
from common.errors import DomainError, refusal_of

MOST = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One case of an act on several: the version that was seen (None: as it is), its fields."""

    number: str
    version: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


def cases_act(
    *,
    action: str,
    lines: Iterable[Line],
    actor: User,
    now: datetime,
    key: str,
    sent: Any = None,
) -> BulkAct:
    """Take an action in several cases and return the act with a result a row, in their order.

    ``sent`` is what the key stands for, as it was sent; the lines themselves without it.

    Raises:
        DomainError: ``invalid`` 400 for no case, too many, or an action that is no such act;
            ``key_reused`` 409 when the key came with other lines.
    """
    kind = KINDS.get(action)
    rows = list({line.number: line for line in lines}.values())
    if kind is None:
        raise DomainError("invalid", _("This cannot be done in several cases at once."))
    if not 0 < len(rows) <= MOST:
        message = _("Choose between 1 and %(most)s cases.") % {"most": MOST}
        raise DomainError("invalid", message, {"case": [message]})
    body = sent if sent is not None else [[r.number, r.version, dict(r.fields)] for r in rows]
    act = _act_of(kind, body_hash(action, body), actor, now, key)
    if act.ended_at is not None:
        return act
    ids = dict(
        Case.objects.visible_to(actor, from_case=True)
        .filter(number__in=[row.number for row in rows])
        .values_list("number", "pk")
    )
    results = [_take(kind, row, ids.get(row.number), act, actor, now) for row in rows]
    act.results, act.ended_at = results, now
    act.done_count = sum(result["done"] for result in results)
    act.refused_count = len(results) - act.done_count
    act.save(update_fields=["results", "ended_at", "done_count", "refused_count"])
    return act


def _act_of(kind: BulkKind, digest: str, actor: User, now: datetime, key: str) -> BulkAct:
    """Return the act of this key: the one kept, or a new one."""
    act, _is_new = BulkAct.objects.get_or_create(
        actor=actor,
        key=key,
        defaults={
            "principal": actor.principal,
            "action": kind.action,
            "body_hash": digest,
            "at": now,
        },
    )
    if act.body_hash != digest:
        raise DomainError("key_reused", _("This form was sent with other rows before."), status=409)
    return act


def _take(
    kind: BulkKind, row: Line, case_id: int | None, kept: BulkAct, actor: User, now: datetime
) -> dict[str, Any]:
    """Take the action in one case; return what came of it, as it is kept."""

    def act() -> tuple[int, str]:
        if case_id is None:
            raise CaseNotFound
        fields = dict(row.fields)
        if kind.complete is not None:
            fields |= kind.complete(Case.objects.get(pk=case_id), fields, now)
        done = case_act(
            case_id=case_id,
            action=kind.action,
            actor=actor,
            now=now,
            version=row.version,
            idempotency_key=f"{kept.key}:{row.number}",
            **fields,
        )
        return 200, done.number

    try:
        run_once(
            user=actor,
            key=f"{kept.key}:{row.number}",
            operation=f"bulk:{kind.action}:{row.number}",
            body=kept.body_hash,
            now=now,
            act=act,
        )
    except (DomainError, OperationalError) as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        return _result(row.number, refusal)
    return _result(row.number)


def _result(number: str, refusal: DomainError | None = None) -> dict[str, Any]:
    if refusal is None:
        return {"number": number, "done": True, "code": "", "sentence": ""}
    # What is missing says more than that something is.
    said = next((texts[0] for texts in refusal.fields.values() if texts), "")
    sentence = str(said or refusal.message or _("This cannot be done now."))
    return {"number": number, "done": False, "code": refusal.code, "sentence": sentence}
