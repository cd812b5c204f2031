"""The remote control on /supervision/: every wall, what it shows, and the form that directs it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Max, OuterRef, Q, Subquery

from accounts.models import User
from desks.wall.models import Wall, WallOrder
from desks.wall.scenes import SCENES, scenes_in_order
from desks.wall.scope import Scope
from grid.models import Area

ALIVE_SECONDS = 150  # a screen shows itself once a minute


def orders_in_force(scope: Scope) -> dict[str, dict[str, Any]]:
    """Return what each wall of a city was last told, by its code; nobody's name in it: one query.

    All of them, whatever the scope: a wall of the city listens while it shows a district.
    """
    orders = (
        WallOrder.objects.filter(wall__city=scope.city)
        .order_by("wall_id", "-pk")
        .distinct("wall_id")
        .values_list("wall__code", "pk", "scene", "district__code", "is_held")
    )
    return {
        code: {"id": pk, "scene": scene, "district": district or "", "held": is_held}
        for code, pk, scene, district, is_held in orders
    }


def walls_panel(user: User, now: datetime) -> dict[str, Any]:
    """Return the panel of the walls of a city: three queries, however many there are."""
    newest = WallOrder.objects.filter(wall=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    walls = list(
        Wall.objects.filter(city=user.city_id, is_active=True)
        .select_related("district")
        .defer("district__geometry")
        .annotate(
            last_order=Subquery(newest),
            seen_at=Max("keys__seen_at", filter=Q(keys__revoked_at__isnull=True)),
        )
        .order_by("code")
    )
    if not walls:
        return {"rows": []}
    orders = WallOrder.objects.select_related("district", "actor").defer("district__geometry")
    known = orders.in_bulk([wall.last_order for wall in walls if wall.last_order])
    districts = Area.objects.filter(city=user.city_id, level=Area.Level.DISTRICT, valid_to=None)
    return {
        "rows": [_row(wall, known.get(wall.last_order), now) for wall in walls],
        "scenes": scenes_in_order(),
        "districts": list(districts.order_by("code").only("code", "name", "name_en")),
    }


def _row(wall: Wall, order: WallOrder | None, now: datetime) -> dict[str, Any]:
    seen = wall.seen_at  # type: ignore[attr-defined]
    return {
        "wall": wall,
        "order": order,
        "scene": SCENES.get(order.scene) if order else None,
        "is_alive": seen is not None and (now - seen).total_seconds() < ALIVE_SECONDS,
        "seen_at": seen,
    }
