"""Build the demo city's data pack: `python scripts/build_city_pack.py SOURCE_DIR [--out DIR]`.

SOURCE_DIR holds `admin/` (lists of divisions) and `basemap/` (OpenStreetMap layers, road blocks,
gazetteer). The pack is the same, byte for byte, for the same source. It needs no database.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from city_pack import base_map, divisions, files, ground, overlays
from city_pack.hangzhou import CITY, DISTRICTS, MANAGEMENT_AREA
from city_pack.sources import Source


def build(source: Source, out: Path) -> None:
    """Write every file of the pack."""
    out.mkdir(parents=True, exist_ok=True)
    cells = ground.make_cells(source)
    ground.make_communities(source, cells)
    ground.number_cells(cells)
    areas = divisions.area_rows(source, cells)
    city = json.dumps(CITY, ensure_ascii=False, indent=2)
    (out / "city.json").write_text(city + "\n", encoding="utf-8")
    write = files.write_rows
    write(out / "areas.csv.gz", areas)
    write(out / "divisions.csv", [{k: v for k, v in row.items() if k != "shape"} for row in areas])
    write(out / "codes.csv", divisions.code_rows(source, areas))
    write(out / "management_areas.csv.gz", [_management_area(areas)])
    write(out / "zones.csv.gz", overlays.make_zones(source, cells))
    names = {row["code"]: row["name"] for row in areas}
    write(out / "beats.csv.gz", overlays.make_beats(cells, names))
    for district in DISTRICTS:
        mine = [cell for cell in cells if cell.code.startswith(district)]
        write(out / f"cells_{district}.csv.gz", [_cell_row(cell) for cell in mine])
    for layer in base_map.LAYERS:
        write(out / f"base_{layer}.csv.gz", base_map.layer_rows(source, layer))
    write(out / "places.csv.gz", base_map.place_rows(source))


def _cell_row(cell) -> dict:
    return {"code": cell.code, "kind": cell.kind, "shape": cell.polygon}


def _management_area(areas: list[dict]) -> dict:
    street = next(row for row in areas if row["code"] == MANAGEMENT_AREA["street"])
    described = {key: MANAGEMENT_AREA[key] for key in ("code", "name", "name_en")}
    return {**described, "shape": street["shape"]}


def main() -> None:
    """Read the arguments and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="directory with admin/ and basemap/")
    parser.add_argument("--out", type=Path, default=Path("fixtures/hangzhou"))
    options = parser.parse_args()
    build(Source(options.source), options.out)


if __name__ == "__main__":
    main()
