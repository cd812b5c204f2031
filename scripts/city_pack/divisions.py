"""Areas and codes: districts, streets, communities of 2023, and the codes they bore before."""

from __future__ import annotations

from collections import defaultdict

from . import names
from .ground import Cell
from .hangzhou import CITY, DISTRICTS, OLD_CODES_FROM
from .overlays import union
from .sources import Source


def area_rows(source: Source, cells: list[Cell]) -> list[dict]:
    """Return code, level, parent, names and shape of every area, the wide ones first."""
    members = defaultdict(list)
    for cell in cells:
        for length in (6, 9, 12):
            members[cell.community[:length]].append(cell.polygon)
    rows = [_row(code, "district", "", name) for code, name in DISTRICTS.items()]
    communities = source.communities_by_street(DISTRICTS)
    rows += [
        _row(code, "street", code[:6], found[0]["street"]) for code, found in communities.items()
    ]
    rows += [
        _row(one["community_code"], "community", street, one["community"])
        for street, found in communities.items()
        for one in found
    ]
    for row in rows:
        row["shape"] = union(members[row["code"]])
    return rows


def code_rows(source: Source, areas: list[dict]) -> list[dict]:
    """Return the codes in force and, where an area bore another one in 2020, that one too."""
    known = {row["code"] for row in areas}
    rows = [
        {"area": code, "code": code, "valid_from": CITY["valid_from"], "valid_to": ""}
        for code in sorted(known)
    ]
    streets = source.rows("admin/hangzhou_street_map_2020_2023")
    old = [(row["code_2020"], row["code_2023"]) for row in streets]
    old += [
        (row["code_2020"], row["code_2023"])
        for row in source.rows("admin/hangzhou_community_map_2020_2023")
        if row["match"] == "same street+name"
    ]
    rows += [
        {
            "area": code,
            "code": before,
            "valid_from": OLD_CODES_FROM,
            "valid_to": CITY["valid_from"],
        }
        for before, code in sorted(set(old))
        if code in known and before != code
    ]
    return rows


def _row(code: str, level: str, parent: str, name: str) -> dict:
    return {
        "code": code,
        "level": level,
        "parent": parent,
        "name": name,
        "name_en": names.english(name),
    }
