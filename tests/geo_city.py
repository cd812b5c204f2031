"""A small part of the demo city, loaded in half a second, for every test that needs a place."""

from pathlib import Path

from accounts.models import City
from grid.loading import load_city_pack

PACK = Path(__file__).resolve().parents[1] / "fixtures" / "hangzhou"
# 翠苑 and 古荡, the scenic area's 西湖, 湖滨 in 上城, 武林 in 拱墅
STREETS = ("330106005", "330106007", "330106008", "330102003", "330105013")


def load_mini_city() -> City:
    """Load five streets of three districts with their cells, zones, beats, places and base map."""
    return load_city_pack(PACK, STREETS)
