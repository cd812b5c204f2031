"""Effects of orders from above: supervision orders and leader's instructions."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases.errors import invalid
from cases.models import (
    LeaderInstruction,
    SupervisionOrder,
)
from cases.services.context import Act
from cases.services.effects.registry import effect


def _give(act: Act, model: type[SupervisionOrder | LeaderInstruction], prefix: str) -> None:
    assert act.actor is not None
    count = model.objects.filter(case=act.case).count() + 1
    order = model.objects.create(
        case=act.case,
        number=f"{prefix}{act.case.number}-{count}",
        text=act.fields["text"],
        given_by=act.actor,
        given_at=act.now,
        reply_due_at=act.fields.get("reply_due"),
    )
    act.data["order"] = order.number


def _reply(act: Act, model: type[SupervisionOrder | LeaderInstruction]) -> None:
    order = model.objects.filter(
        Q(replied_at__isnull=True), case=act.case, number=act.fields["order"]
    ).first()
    if order is None:
        raise invalid("order", _("There is no such order waiting for a reply."))
    order.reply, order.replied_by, order.replied_at = act.fields["reply"], act.actor, act.now
    order.save(update_fields=["reply", "replied_by", "replied_at"])
    act.data["order"] = order.number


@effect
def order_supervision(act: Act) -> None:
    """督办."""
    _give(act, SupervisionOrder, "S")


@effect
def reply_supervision(act: Act) -> None:
    """Answer a supervision order."""
    _reply(act, SupervisionOrder)


@effect
def instruct(act: Act) -> None:
    """批示."""
    _give(act, LeaderInstruction, "I")


@effect
def reply_instruction(act: Act) -> None:
    """Answer a leader's instruction."""
    _reply(act, LeaderInstruction)
