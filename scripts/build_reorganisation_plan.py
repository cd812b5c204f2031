"""Build the plan of Hangzhou's reorganisation: `python scripts/build_reorganisation_plan.py DIR`.

DIR holds the lists of divisions of 2020 and 2023 and the two maps between them, by street and by
community. The plan is the same, byte for byte, for the same source. It needs no database.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

EFFECTIVE = "2021-04-09"
COLUMNS = ("old_code", "new_code", "old_name", "name", "parent", "note")
BY_NAME_ALONE = "by name alone"
Row = dict[str, str]


def build(source: Path) -> list[Row]:
    """Return the plan's lines: districts, streets, communities, then what was founded."""
    old, new = (rows(source, f"hangzhou_divisions_{year}") for year in (2020, 2023))
    streets = rows(source, "hangzhou_street_map_2020_2023")
    communities = rows(source, "hangzhou_community_map_2020_2023")
    plan = [*_districts(old, new, streets), *_streets(streets), *_communities(communities, new)]
    known = {line["new_code"] for line in plan}
    districts = {line["new_code"] for line in plan if len(line["new_code"]) == 6}
    founded = [
        _line("", row["community_code"], "", row["community"])
        for row in new
        if row["district_code"] in districts and row["community_code"] not in known
    ]
    return [*plan, *founded]


def rows(source: Path, name: str) -> list[Row]:
    """Read one of the lists."""
    with (source / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _districts(old: list[Row], new: list[Row], streets: list[Row]) -> list[Row]:
    """A district's successors are those that got a street of it."""
    before = {row["district_code"]: row["district"] for row in old}
    after = {row["district_code"]: row["district"] for row in new}
    pairs = {(row["code_2020"][:6], row["code_2023"][:6]) for row in streets}
    return [_line(a, b, before[a], after[b]) for a, b in sorted(pairs)]


def _streets(streets: list[Row]) -> list[Row]:
    return [
        _line(row["code_2020"], row["code_2023"], row["street"], row["street"]) for row in streets
    ]


def _communities(found: list[Row], new: list[Row]) -> list[Row]:
    """One line a community; without a new code where its successor is to be decided.

    A full name in the same street outranks a match without 社区 or 村委会; a match by name alone
    that leads to a community which has a predecessor of its own is only a hint.
    """
    exact = {(row["street_code"], row["community"]): row["community_code"] for row in new}
    claimed = defaultdict(list)
    for row in found:
        claimed[row["code_2023"]].append(row)
    lines = []
    for row in found:
        code, name = row["code_2023"], row["name_2023"]
        twin = exact.get((code[:9], row["name_2020"]))
        if row["match"] == "same street+name" and twin:
            code, name = twin, row["name_2020"]
        if row["match"] == "name only" and len(claimed[code]) > 1:
            note = f"same name: {code} {row['street_2023']}"
            lines.append(_line(row["code_2020"], "", row["name_2020"], "", note))
            continue
        note = {"name only": BY_NAME_ALONE, "same street+name": ""}.get(row["match"], row["match"])
        lines.append(_line(row["code_2020"], code, row["name_2020"], name if code else "", note))
    return lines


def _line(old: str, new: str, old_name: str, name: str, note: str = "") -> Row:
    digits = {9: 6, 12: 9}.get(len(new))
    parent = new[:digits] if digits else ""
    return dict(zip(COLUMNS, (old, new, old_name, name, parent, note), strict=True))


def main() -> None:
    """Read the arguments and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument(
        "--out", type=Path, default=Path("fixtures/hangzhou/reorganisation_2021.csv")
    )
    options = parser.parse_args()
    with options.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*COLUMNS, "effective_date"], lineterminator="\n")
        writer.writeheader()
        writer.writerows({**line, "effective_date": EFFECTIVE} for line in build(options.source))


if __name__ == "__main__":
    main()
