"""The demo's walls: the hall of the centre, and a district's."""

from __future__ import annotations

from accounts.models import City
from desks.models import Wall
from grid.models import District

HALL = "hall"
WEST_LAKE = "330106"


def load_walls(city: City) -> None:
    """Hang the walls that do not hang yet."""
    district = District.objects.filter(city=city, code=WEST_LAKE, valid_to=None).first()
    walls = [Wall(city=city, code=HALL, name="指挥大厅", name_en="Command hall")]
    if district is not None:
        walls.append(
            Wall(
                city=city,
                code="xihu",
                name="西湖区指挥中心",
                name_en="Xihu District command centre",
                district=district,
            )
        )
    Wall.objects.bulk_create(walls, ignore_conflicts=True)
