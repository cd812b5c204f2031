"""Where a case is: its cell and areas, and their codes as they are on that day."""

from __future__ import annotations

from django.contrib.gis.geos import Point

from cases.models import Case
from grid.models import SRID
from grid.selectors import Location


def place_case(case: Case, location: Location) -> None:
    """Put the case at a located point; stores the cell version and the codes of today."""
    case.point = Point(location.lon, location.lat, srid=SRID)
    case.cell_id, case.cell_code = location.cell_id, location.cell_code
    case.community_id, case.community_code = location.community.id, location.community.code
    case.street_id, case.street_code = location.street.id, location.street.code
    case.district_id, case.district_code = location.district.id, location.district.code
    case.management_area_id = location.management_area.id if location.management_area else None
    case.zone_grade = location.zone_grade
