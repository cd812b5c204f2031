"""The demo city's data pack: what its files promise, read without a database."""

import base64
import csv
import gzip
import json
from collections import defaultdict
from pathlib import Path

import pytest
import shapely

PACK = Path(__file__).resolve().parents[2] / "fixtures" / "hangzhou"
METRES_EAST, METRES_NORTH = 96_233, 110_857  # of a degree in the middle of the city
LEAST_CELL_M2 = 2_000
SAMPLE_DISTRICT = "330105"


def rows(name):
    data = (PACK / name).read_bytes()
    text = gzip.decompress(data) if name.endswith(".gz") else data
    return list(csv.DictReader(text.decode().splitlines()))


class TinyReader:
    """Reads polygons of TWKB without the writer's help: six decimals, no box, no ids."""

    def __init__(self, text):
        self.data, self.at, self.x, self.y = base64.b64decode(text), 2, 0, 0
        self.kind = self.data[0] & 0x0F

    def varint(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def signed(self):
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def ring(self):
        corners = []
        for _ in range(self.varint()):
            self.x += self.signed()
            self.y += self.signed()
            corners.append((self.x, self.y))
        return corners

    def polygon(self):
        outer, *holes = [self.ring() for _ in range(self.varint())]
        return shapely.Polygon(outer, holes)

    def read(self):
        if self.kind == 3:
            return self.polygon()
        return shapely.MultiPolygon([self.polygon() for _ in range(self.varint())])


def shapes(name):
    return {row["code"]: TinyReader(row["twkb"]).read() for row in rows(name)}


@pytest.fixture(scope="module")
def cells():
    return shapes(f"cells_{SAMPLE_DISTRICT}.csv.gz")


@pytest.fixture(scope="module")
def areas():
    return shapes("areas.csv.gz")


def square_metres(shape):
    return shape.area / 10**12 * METRES_EAST * METRES_NORTH


def by_community(cells):
    found = defaultdict(list)
    for code in sorted(cells):
        found[code[:12]].append(code)
    return found


def test_the_pack_is_small():
    sizes = [path.stat().st_size for path in PACK.iterdir()]
    assert sum(sizes) < 8_000_000
    assert max(sizes) < 2_000_000


def test_every_street_and_community_of_the_list_has_ground(areas):
    divisions = rows("divisions.csv")
    levels = [row["level"] for row in divisions]
    assert (levels.count("district"), levels.count("street"), levels.count("community")) == (
        4,
        47,
        670,
    )
    assert {row["code"] for row in divisions} == set(areas)
    assert all(shape.area > 0 for shape in areas.values())
    assert all(row["parent"] == "" or row["parent"] in areas for row in divisions)


def test_areas_have_chinese_and_english_names():
    names = {row["code"]: (row["name"], row["name_en"]) for row in rows("divisions.csv")}
    assert names["330106005"] == ("翠苑街道", "Cuiyuan Sub-district")
    assert names["330106005053"] == ("九莲社区", "Jiulian Community")
    assert names["330105014"][1] == "Changqing Sub-district"
    assert not any(letter >= "\u4e00" for _, english in names.values() for letter in english)


def test_cells_share_their_edges_without_gap_or_overlap(cells):
    shapes_ = list(cells.values())
    assert all(shape.is_valid for shape in shapes_)
    assert shapely.coverage_is_valid(shapes_)


@pytest.mark.parametrize("length", [6, 9, 12], ids=["district", "street", "community"])
def test_cells_are_an_exact_partition_of_their_areas(cells, areas, length):
    sums = defaultdict(float)
    for code, cell in cells.items():
        sums[code[:length]] += cell.area
    for code, area in sums.items():
        assert areas[code].area == area, code


def test_every_community_has_cells_numbered_from_one(cells, areas):
    found = by_community(cells)
    mine = {code for code in areas if len(code) == 12 and code.startswith(SAMPLE_DISTRICT)}
    assert set(found) == mine
    for community, codes in found.items():
        assert codes == [f"{community}{number:03d}" for number in range(1, len(codes) + 1)]


def test_cells_are_numbered_west_to_east_in_bands_from_north_to_south(cells):
    for codes in by_community(cells).values():
        middles = [cells[code].centroid for code in codes]
        places = [
            (point.x * METRES_EAST / 10**6, point.y * METRES_NORTH / 10**6) for point in middles
        ]
        band = (sum(square_metres(cells[code]) for code in codes) / len(codes)) ** 0.5
        north = max(y for _, y in places)
        order = [(int((north - y) / band), x) for x, y in places]
        assert order == sorted(order)


def test_most_cells_have_about_ten_thousand_square_metres(cells):
    sizes = sorted(square_metres(cell) for cell in cells.values())
    assert 7_000 < sizes[len(sizes) // 2] < 12_000
    assert sum(size < LEAST_CELL_M2 for size in sizes) < len(sizes) / 500
    assert sizes[-1] < 150_000


def test_zones_cover_the_city_once(areas):
    zones = shapes("zones.csv.gz")
    assert {row["grade"] for row in rows("zones.csv.gz")} == {"key", "control", "ordinary"}
    city = sum(areas[code].area for code in areas if len(code) == 6)
    assert sum(zone.area for zone in zones.values()) == city


def test_beats_hold_every_cell_once_and_about_twenty_each(cells):
    beats = [row for row in rows("beats.csv.gz") if row["code"].startswith(SAMPLE_DISTRICT)]
    held = [row["code"][:12] + number for row in beats for number in row["cells"].split()]
    assert sorted(held) == sorted(cells)
    counts = sorted(len(row["cells"].split()) for row in beats)
    assert 15 <= counts[len(counts) // 2] <= 25
    assert counts[-1] <= 60


def test_the_scenic_area_is_the_ground_of_its_street(areas):
    (scenic,) = shapes("management_areas.csv.gz").values()
    assert scenic.equals(areas["330106008"])


def test_the_pack_names_its_sources():
    settings = json.loads((PACK / "city.json").read_text(encoding="utf-8"))
    assert "OpenStreetMap contributors" in settings["base_map_attribution"]
    assert settings["borders"] == "schematic"
    assert "ODbL" in (PACK / "README.md").read_text(encoding="utf-8")
