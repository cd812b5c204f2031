"""Reading the ledger: a page of components in an indexed order, and about how many there are.

Nothing here counts the register. How many fit is the planner's estimate; below a thousand they are
counted, at most that far. The orders are those of indexes (``component_area_type``,
``component_type_area``, ``component_code_unique`` and the primary key): PostgreSQL walks one until
the page is full, whatever the size of the register. Where that index would lead past many rows
first, a part that is small enough is sorted, and a larger one may not have that order.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.paging import KeyPage, key_page
from components.models import Component
from components.register.filters import Narrowed, invalid

PAGE_SIZE = 25
COUNTED_TO = 1_000
ORDERS = {
    "place": ("community_id", "type_id", "pk"),
    "type": ("type_id", "community_id", "pk"),
    "code": ("code",),
    "surveyed": ("-surveyed_date", "-community_id", "-pk"),
    "newest": ("-pk",),
}
ORDER_LABELS = {
    "place": gettext_lazy("by community"),
    "type": gettext_lazy("by type"),
    "code": gettext_lazy("by code"),
    "surveyed": gettext_lazy("surveyed last first"),
    "newest": gettext_lazy("newest entry first"),
}
# Kinds of conditions, the strongest first, with the orders whose index reaches their rows early:
# those of an area, say, lie together among the communities but anywhere among the codes.
SUITED = (
    ("code", ("code",)),
    ("surveyed", ("surveyed",)),
    ("area", ("place",)),
    ("local", ("place", "type")),
    ("road", ("place", "type")),
    ("words", ("place", "type")),
    ("body", ("place", "type")),
    ("type", ("type", "place")),
)
ANY = ("place", "type", "code", "newest")
SORTED_TO = 100_000  # rows that are sorted while somebody waits, rather than walk an index
SCATTERED = frozenset({"local", "road", "words"})  # their rows lie together in no order of ours
SCATTERED_SORTED_TO = 500_000  # of those: to sort them takes a second, to walk past others many
RELATIONS = (
    "type",
    "community__parent__parent",
    "cell",
    "competent_body",
    "owner",
    "maintainer",
)
# What a list says, and nothing else: to make objects of whole rows takes longer than to find them.
SAID = (
    "code", "name", "address", "state", "ending", "accuracy", "source", "point",
    "surveyed_date", "installed_date", "retired_date", "cell__code", "community__code",
    *(
        f"{thing}__{column}"
        for thing in ("type", "competent_body", "owner", "maintainer")
        for column in ("code", "name", "name_en")
    ),
    *(
        f"{area}__{column}"
        for area in ("community", "community__parent", "community__parent__parent")
        for column in ("name", "name_en")
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Total:
    """How many components a filter has: exactly, more than, or about."""

    count: int
    is_exact: bool = True
    is_least: bool = False


def orders_for(narrowed: Narrowed, about: int) -> tuple[str, ...]:
    """Return the orders a filter may have, the one that suits it best first.

    A small part of the register may have any. One by day needs a day in the filter: the others may
    have none.
    """
    suited = next((orders for kind, orders in SUITED if kind in narrowed.kinds), ANY)
    if about > SORTED_TO:
        return suited
    by_day = ("surveyed",) if "surveyed" in narrowed.kinds else ()
    return tuple(dict.fromkeys((*suited, *ANY, *by_day)))


def ledger_page(
    narrowed: Narrowed, *, cursor: str, ordering: str, about: int, size: int = PAGE_SIZE
) -> tuple[list[Component], KeyPage]:
    """Return a page of components with what is said of them: two queries.

    ``about`` is the planner's estimate. First the ids, by an index; then what is said of these few:
    together the planner would read it of many.

    Raise DomainError ``invalid`` for an order the filter cannot have.
    """
    offered = orders_for(narrowed, about)
    name = ordering or offered[0]
    if name not in offered:
        message = _("This order needs a narrower filter. Choose one of: %(values)s.")
        raise invalid("ordering", message % {"values": ", ".join(offered)})
    suited = next((orders for kind, orders in SUITED if kind in narrowed.kinds), ANY)
    is_scattered = bool(narrowed.kinds & SCATTERED)
    is_sorted = name not in suited or (is_scattered and about <= SCATTERED_SORTED_TO)
    page = key_page(narrowed.rows, cursor, size=size, order=ORDERS[name], is_sorted=is_sorted)
    return components_described(page.ids), page


def components_described(ids: list[int]) -> list[Component]:
    """Return components with what a list says of them, in the order of their ids given."""
    rows = Component.objects.filter(pk__in=ids).select_related(*RELATIONS).only(*SAID)
    by_id = {row.pk: row for row in rows}
    return [by_id[pk] for pk in ids if pk in by_id]


def ledger_total(rows: QuerySet[Component], about: int) -> Total:
    """Return how many rows there are, without reading more than a thousand."""
    if about > 2 * COUNTED_TO:  # the planner may be wrong: near the limit it is looked at
        return Total(about, is_exact=False)
    found = rows.order_by()[: COUNTED_TO + 1].count()
    return Total(min(found, COUNTED_TO), is_exact=found <= COUNTED_TO, is_least=found > COUNTED_TO)


def figure_of(total: Total) -> str:
    """Return a total in words: 57, 1,000+, about 520,000."""
    if total.is_exact:
        return f"{total.count:,}"
    if total.is_least:
        return f"{total.count:,}+"
    digits = max(len(str(total.count)) - 2, 0)
    return _("about %(count)s") % {"count": f"{round(total.count, -digits):,}"}
