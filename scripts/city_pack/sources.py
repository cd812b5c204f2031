"""Reads the open data of the pack: divisions of 2020 and 2023, blocks, base map, gazetteer."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import shapely

from . import frame


@dataclass
class Source:
    """The source directory: `admin/` and `basemap/`."""

    root: Path
    _features: dict = field(default_factory=dict)

    def rows(self, name: str) -> list[dict]:
        """Return the rows of a CSV file, named without its ending."""
        with (self.root / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def features(self, layer: str) -> list[tuple[dict, shapely.Geometry]]:
        """Return properties and geometry (micro-degrees) of a layer of the base map."""
        if layer not in self._features:
            path = self.root / "basemap" / f"{layer}.geojson"
            found = json.loads(path.read_text(encoding="utf-8"))["features"]
            shapes = shapely.from_geojson([json.dumps(one["geometry"]) for one in found])
            shapes = frame.to_units(shapely.make_valid(shapes))
            self._features[layer] = [
                (one["properties"], shape)
                for one, shape in zip(found, shapes, strict=True)
                if not shape.is_empty
            ]
        return self._features[layer]

    def union(self, layer: str, wanted=lambda _: True) -> shapely.Geometry:
        """Return the union of the wanted features of a layer."""
        shapes = [shape for properties, shape in self.features(layer) if wanted(properties)]
        return shapely.union_all(shapes, grid_size=1)

    def communities_by_street(self, districts) -> dict[str, list[dict]]:
        """Return the communities of 2023 of each street of these districts, in order of code."""
        found = defaultdict(list)
        for row in self.rows("admin/hangzhou_divisions_2023"):
            if row["district_code"] in districts:
                found[row["street_code"]].append(row)
        return {
            code: sorted(rows, key=lambda row: row["community_code"])
            for code, rows in sorted(found.items())
        }

    def places_by_street(self) -> dict[str, list[tuple[str, str, np.ndarray]]]:
        """Return (name, kind, place in metres) of the gazetteer by the street's name."""
        found = defaultdict(list)
        for row in self.rows("basemap/gazetteer"):
            point = shapely.Point(float(row["lon"]), float(row["lat"]))
            metres = frame.to_metres(frame.to_units(point))
            found[row["street_schematic"]].append(
                (row["name"], row["kind"], shapely.get_coordinates(metres)[0])
            )
        return found
