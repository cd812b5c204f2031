"""Reading plates: by code, and which components a sheet or a giving is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from common.errors import DomainError
from components.models import Component, Plate
from components.plates.codes import code_read
from grid.models import Area


class NoSuchPlate(DomainError):
    """Nobody was given this code."""

    def __init__(self) -> None:
        super().__init__("not_found", _("There is no plate with this code."), status=404)


def plate_get(text: str) -> Plate:
    """Return the plate of a typed or scanned code, with its component, good or revoked.

    Raise PlateMistyped 400 for what cannot be a code, NoSuchPlate 404 for one nobody was given.
    """
    plates = Plate.objects.select_related(
        "component__type",
        "component__city",
        "component__successor__type",
        "replaced_by__component__type",
    )
    plate = plates.filter(code=code_read(text)).first()
    if plate is None:
        raise NoSuchPlate
    return plate


def component_now(plate: Plate) -> Component | None:
    """Return the component a plate leads to today, None when there is none any more.

    A revoked plate leads where the one in its place does; of a component no longer in use the one
    that stands there now counts.
    """
    seen = {plate.pk}
    while plate.replaced_by is not None and plate.replaced_by_id not in seen:
        plate = plate.replaced_by
        seen.add(plate.pk)
    component: Component | None = plate.component
    passed: set[int] = set()
    while component is not None and component.retired_date is not None:
        if component.pk in passed:
            return None
        passed.add(component.pk)
        component = component.successor
    return component


@dataclass(frozen=True, slots=True)
class PlateCounts:
    """How many components were chosen, and how many have a plate, one never printed."""

    components: int
    given: int
    unprinted: int

    @property
    def missing(self) -> int:
        """How many have no plate yet."""
        return self.components - self.given


def components_chosen(area: Area, type_codes: Iterable[str] = ()) -> QuerySet[Component]:
    """Return the components in use of an area, of some types or of all.

    Communities are looked up first: with ``component_type_area`` and the index on ``community`` the
    planner then reads only theirs.
    """
    inside = {
        Area.Level.COMMUNITY: Q(pk=area.pk),
        Area.Level.STREET: Q(parent=area.pk),
        Area.Level.DISTRICT: Q(parent__parent=area.pk),
    }[Area.Level(area.level)]
    communities = list(
        Area.objects.filter(inside, level=Area.Level.COMMUNITY).values_list("pk", flat=True)
    )
    chosen = Component.objects.filter(community__in=communities, retired_date=None)
    codes = list(type_codes)
    return chosen.filter(type__code__in=codes) if codes else chosen


def plates_of(components: QuerySet[Component], *, only_unprinted: bool = False) -> QuerySet[Plate]:
    """Return the active plates of these components in the order somebody mounts them."""
    plates = Plate.objects.filter(state=Plate.State.ACTIVE, component__in=components.values("pk"))
    if only_unprinted:
        plates = plates.filter(printed_at=None)
    return plates.order_by("component__community__code", "component__cell__code", "component__code")


def plate_counts(components: QuerySet[Component]) -> PlateCounts:
    """Return how far the giving of plates is: one query."""
    active = Q(plates__state=Plate.State.ACTIVE)
    counted = components.aggregate(
        components=Count("pk", distinct=True),
        given=Count("plates", filter=active),
        unprinted=Count("plates", filter=active & Q(plates__printed_at=None)),
    )
    return PlateCounts(**counted)


def plate_history(component: Component) -> QuerySet[Plate]:
    """Return every plate a component has had, the newest first, each with ``print_count``."""
    return (
        Plate.objects.filter(component=component)
        .select_related("given_by", "revoked_by", "replaced_by")
        .annotate(print_count=Count("prints"))
        .order_by(F("given_at").desc(), "-pk")
    )
