"""Effects of orders from above: supervision orders and leader's instructions."""

from django.utils.translation import gettext_lazy as _

from cases.errors import invalid
from cases.models import CaseUrge, LeaderInstruction, SupervisionOrder
from cases.models.work import OrderFromAbove
from cases.parts import parts_of
from cases.services.context import Act
from cases.services.effects.registry import effect
from cases.workflow import POST_ROLES


def _give(act: Act, model: type[OrderFromAbove], prefix: str) -> None:
    assert act.actor is not None
    given = parts_of(act.case).orders(model)
    order = model._default_manager.create(
        case=act.case,
        organisation_id=act.case.department_id,
        number=f"{prefix}{act.case.number}-{len(given) + 1}",
        text=act.fields["text"],
        given_by=act.actor,
        given_at=act.now,
        reply_due_at=act.fields.get("reply_due"),
    )
    given.append(order)
    act.data["order"] = order.number


def _reply(act: Act, model: type[OrderFromAbove]) -> None:
    order = _named(act, model)
    if order is None or not order.waits:
        raise invalid("order", _("There is no such order waiting for a reply."))
    order.reply, order.replied_by, order.replied_at = act.fields["reply"], act.actor, act.now
    order.save(update_fields=["reply", "replied_by", "replied_at"])
    act.data["order"] = order.number


def _rate(act: Act, model: type[OrderFromAbove]) -> None:
    order = _named(act, model)
    if order is None or not order.is_unrated:
        raise invalid("order", _("There is no such order whose reply waits for a rating."))
    order.rating, order.rating_note = act.fields["rating"], act.fields.get("note", "")
    order.rated_by, order.rated_at = act.actor, act.now
    order.save(update_fields=["rating", "rating_note", "rated_by", "rated_at"])
    act.data |= {"order": order.number, "rating": order.rating}


def _named(act: Act, model: type[OrderFromAbove]) -> OrderFromAbove | None:
    orders = parts_of(act.case).orders(model)
    return next((order for order in orders if order.number == act.fields["order"]), None)


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


@effect
def rate_supervision(act: Act) -> None:
    """Say how good the reply to a supervision order is."""
    _rate(act, SupervisionOrder)


@effect
def rate_instruction(act: Act) -> None:
    """Say how good the reply to an instruction is."""
    _rate(act, LeaderInstruction)


@effect
def urge(act: Act) -> None:
    """催办: ask whoever the case waits for to hurry; the event says whom it concerns."""
    assert act.actor is not None
    organisation_id, post = act.situation.waiting_body
    CaseUrge.objects.create(
        case=act.case,
        organisation_id=organisation_id,
        post=post.value,
        urged_by=act.actor,
        urged_at=act.now,
    )
    roles = sorted(role.value for role in POST_ROLES[post])
    act.data |= {"organisation": organisation_id, "roles": roles}
