"""Loading a city pack: the files that `scripts/build_city_pack.py` makes, into this app's tables.

Rules: what stands in the database stays (areas, cells, zones and beats are versioned, a second run
adds only what is missing); the base map carries no history and is replaced; the gazetteer follows
the pack by its keys, what was edited or added in the city stays, and so do aliases. Work is done in
sets: every file is copied into a temporary table and inserted from there.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import City
from common.errors import DomainError
from grid.geocoding.naming import search_forms

Row = dict[str, str]

_SRIDS = {
    "srid": settings.GEO_STORAGE_SRID,
    "metric_srid": settings.GEO_METRIC_SRID,
    "tile_srid": settings.GEO_TILE_SRID,
}

# The temporary table of a file, its geometry read.
_PACK = """
CREATE TEMPORARY TABLE pack AS
SELECT *, ST_SetSRID(ST_GeomFromTWKB(decode(twkb, 'base64')), %(srid)s) AS shape FROM pack_text
"""
_PLAIN_PACK = "CREATE TEMPORARY TABLE pack AS SELECT * FROM pack_text"

# Each statement reads the temporary table `pack` and inserts what is not there yet.
_AREAS = """
INSERT INTO grid_area (city_id, level, parent_id, code, name, name_en, geometry, valid_from)
SELECT %(city)s, pack.level, parent.id, pack.code, pack.name, pack.name_en, shape, %(from)s
FROM pack LEFT JOIN grid_area AS parent ON parent.code = pack.parent AND parent.city_id = %(city)s
WHERE pack.level = %(level)s AND NOT EXISTS
    (SELECT FROM grid_area AS old WHERE old.city_id = %(city)s AND old.code = pack.code)
ORDER BY pack.code
"""
_CODES = """
INSERT INTO grid_areacode (scheme, code, area_id, valid_from, valid_to)
SELECT 'GB', pack.code, area.id, pack.valid_from::date, nullif(pack.valid_to, '')::date
FROM pack JOIN grid_area AS area ON area.code = pack.area AND area.city_id = %(city)s
WHERE NOT EXISTS (
    SELECT FROM grid_areacode AS old WHERE old.scheme = 'GB' AND old.code = pack.code
        AND daterange(old.valid_from, old.valid_to)
            && daterange(pack.valid_from::date, nullif(pack.valid_to, '')::date))
"""
_CELLS = """
INSERT INTO grid_gridcell (city_id, code, community_id, kind, geometry, area_m2, valid_from)
SELECT %(city)s, pack.code, area.id, pack.kind, shape,
    ST_Area(ST_Transform(shape, %(metric_srid)s)), %(from)s
FROM pack
JOIN grid_area AS area ON area.code = left(pack.code, 12) AND area.city_id = %(city)s
WHERE NOT EXISTS
    (SELECT FROM grid_gridcell AS old WHERE old.city_id = %(city)s AND old.code = pack.code)
ORDER BY pack.code
"""
_ZONES = """
INSERT INTO grid_zone (city_id, code, name, name_en, grade, geometry, valid_from)
SELECT %(city)s, code, name, name_en, grade, shape, %(from)s FROM pack
WHERE NOT EXISTS
    (SELECT FROM grid_zone AS old WHERE old.city_id = %(city)s AND old.code = pack.code)
"""
_MANAGEMENT_AREAS = """
INSERT INTO grid_managementarea (city_id, code, name, name_en, geometry, valid_from)
SELECT %(city)s, code, name, name_en, shape, %(from)s FROM pack
WHERE NOT EXISTS
    (SELECT FROM grid_managementarea AS old WHERE old.city_id = %(city)s AND old.code = pack.code)
"""
_BEATS = """
WITH made AS (
    INSERT INTO grid_beat (city_id, code, name, valid_from)
    SELECT %(city)s, code, name, %(from)s FROM pack
    WHERE NOT EXISTS
        (SELECT FROM grid_beat AS old WHERE old.city_id = %(city)s AND old.code = pack.code)
    ORDER BY code
    RETURNING id, code)
INSERT INTO grid_beat_cells (beat_id, gridcell_id)
SELECT made.id, cell.id
FROM made
JOIN pack USING (code)
CROSS JOIN LATERAL unnest(string_to_array(pack.cells, ' ')) AS sequence
JOIN grid_gridcell AS cell
    ON cell.code = left(made.code, 12) || sequence AND cell.city_id = %(city)s
"""
_BASE = """
INSERT INTO grid_basefeature (layer, kind, name, min_zoom, geometry)
SELECT %(layer)s, kind, name, min_zoom::int, ST_Transform(shape, %(tile_srid)s) FROM pack
WHERE %(bounds)s::geometry IS NULL OR shape && %(bounds)s::geometry
"""
# The pack's places: those of its file, with the outline of the base map that bears the name, and
# its roads, the lines of a name as far as they hang together. Uses the GiST index on
# grid_basefeature.geometry.
_WANTED = """
CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS
WITH listed AS (
    SELECT name, kind, ST_SetSRID(ST_MakePoint(lon::float, lat::float), %(srid)s) AS point FROM pack
), pieces AS (
    SELECT name, geometry, ST_ClusterDBSCAN(geometry, %(gap_m)s, 1) OVER (PARTITION BY name) AS road
    FROM grid_basefeature WHERE layer = 'road' AND name <> ''
), roads AS (
    SELECT name, ST_Transform(ST_Collect(geometry), %(srid)s) AS geometry
    FROM pieces GROUP BY name, road
), placed AS (
    SELECT name, kind, point, (
        SELECT ST_Transform(outline.geometry, %(srid)s) FROM grid_basefeature AS outline
        WHERE listed.kind IN ('area', 'building')
            AND outline.layer IN ('built', 'green', 'building')
            AND outline.name = listed.name
            AND ST_DWithin(outline.geometry, ST_Transform(point, %(tile_srid)s), %(beside_m)s)
        ORDER BY ST_Area(outline.geometry) DESC LIMIT 1) AS geometry
    FROM listed WHERE %(bounds)s::geometry IS NULL OR point && %(bounds)s::geometry
    UNION ALL
    SELECT name, 'road', ST_ClosestPoint(geometry, ST_Centroid(geometry)), geometry FROM roads
)
SELECT name, kind, point, geometry, kind || ':' || name || '@' || hash || coalesce('~' || nullif(
    row_number() OVER (PARTITION BY kind, name, hash ORDER BY point), 1), '') AS key
FROM placed, ST_GeoHash(point, 8) AS hash
"""
_WANTED_SIZES = {"gap_m": 400, "beside_m": 30}  # in units of the tiles' projection
_PLACES = """
INSERT INTO grid_place (key, kind, name, folded, pinyin, initials, name_en, point, geometry,
    valid_from, source)
SELECT key, kind, name, folded, pinyin, initials, name_en, point, geometry, %(from)s, 'pack'
FROM wanted JOIN named USING (name, kind)
ON CONFLICT (key) DO NOTHING
"""
_MOVED_PLACES = """
UPDATE grid_place AS old SET point = wanted.point, geometry = wanted.geometry
FROM wanted WHERE wanted.key = old.key AND source = 'pack'
    AND (old.point, old.geometry) IS DISTINCT FROM (wanted.point, wanted.geometry)
"""
_GONE_PLACES = """
DELETE FROM grid_place AS old
WHERE source = 'pack' AND NOT EXISTS (SELECT FROM wanted WHERE wanted.key = old.key)
    AND NOT EXISTS (SELECT FROM grid_placealias AS alias WHERE alias.place_id = old.id)
"""
_LOADED_BOUNDS = """
SELECT ST_SetSRID(ST_Expand(ST_Extent(geometry)::geometry, 0.005), %(srid)s)
FROM grid_area WHERE level = 'street'
"""
_TABLES = (
    "grid_area",
    "grid_areacode",
    "grid_gridcell",
    "grid_zone",
    "grid_managementarea",
    "grid_beat",
    "grid_beat_cells",
    "grid_basefeature",
    "grid_place",
)


@transaction.atomic
def load_city_pack(path: str | Path, streets: Collection[str] | None = None) -> City:
    """Load the pack in the folder ``path``; with ``streets`` (codes) only what lies in these.

    Raise DomainError ``no_pack`` when the folder holds none, ``unknown_street`` for a code that the
    pack does not know.
    """
    pack = _Pack(Path(path), streets)
    city = pack.city()
    given = {"city": city.pk, "from": pack.settings["valid_from"]}
    levels = [{**given, "level": level} for level in ("district", "street", "community")]
    pack.load("areas.csv.gz", _AREAS, *levels, is_wanted=pack.has_area)
    pack.load("codes.csv", _CODES, given, is_wanted=pack.has_code)
    for cells in sorted(pack.folder.glob("cells_*.csv.gz")):
        if pack.touches(cells.name.split("_")[1][:6]):
            pack.load(cells.name, _CELLS, given, is_wanted=pack.has_cell)
    pack.load("zones.csv.gz", _ZONES, given)
    pack.load("management_areas.csv.gz", _MANAGEMENT_AREAS, given)
    pack.load("beats.csv.gz", _BEATS, given, is_wanted=pack.has_cell)
    _replace_base_map(pack)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(_TABLES)}")
    return city


def _replace_base_map(pack: _Pack) -> None:
    """Replace the base map and the pack's places; of a part of the city, what lies around it."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM grid_basefeature")
        cursor.execute(_LOADED_BOUNDS, _SRIDS)
        bounds = cursor.fetchone()[0] if pack.streets else None
    for layer in sorted(pack.folder.glob("base_*.csv.gz")):
        name = layer.name.removeprefix("base_").removesuffix(".csv.gz")
        pack.load(layer.name, _BASE, {"layer": name, "bounds": bounds})
    pack.load("places.csv.gz", _WANTED, {"bounds": bounds, **_WANTED_SIZES})
    with connection.cursor() as cursor:
        cursor.execute(_MOVED_PLACES)
        _name_places(cursor)
        cursor.execute(_PLACES, {"from": pack.settings["valid_from"]})
        cursor.execute(_GONE_PLACES)
        cursor.execute("DROP TABLE wanted, named")


def _name_places(cursor: Any) -> None:
    """Make the temporary table `named`: the forms in which the names of new places are searched."""
    cursor.execute(
        "SELECT DISTINCT name, kind FROM wanted WHERE key NOT IN (SELECT key FROM grid_place)"
    )
    rows = [{"name": name, "kind": kind, **search_forms(name, kind)} for name, kind in cursor]
    columns = ("name", "kind", "folded", "pinyin", "initials", "name_en")
    cursor.execute(f"CREATE TEMPORARY TABLE named ({' text, '.join(columns)} text)")
    text = io.StringIO()
    csv.DictWriter(text, fieldnames=columns).writerows(rows)
    text.seek(0)
    cursor.cursor.copy_expert("COPY named FROM STDIN WITH (FORMAT csv, NULL '\\N')", text)
    cursor.execute("ANALYZE named")


def _copy(cursor: Any, rows: list[Row]) -> None:
    """Make the temporary table `pack` of the rows; a column `shape` where they have geometry."""
    text = io.StringIO()
    csv.DictWriter(text, fieldnames=list(rows[0])).writerows(rows)
    text.seek(0)
    columns = ", ".join(f"{connection.ops.quote_name(column)} text" for column in rows[0])
    cursor.execute(f"CREATE TEMPORARY TABLE pack_text ({columns})")
    cursor.cursor.copy_expert("COPY pack_text FROM STDIN WITH (FORMAT csv, NULL '\\N')", text)
    cursor.execute(_PACK if "twkb" in rows[0] else _PLAIN_PACK, _SRIDS)
    cursor.execute("ANALYZE pack")


class _Pack:
    """The files of one pack, and which of their rows are wanted."""

    def __init__(self, folder: Path, streets: Collection[str] | None) -> None:
        self.folder = folder
        try:
            self.settings = json.loads((folder / "city.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DomainError("no_pack", _("There is no city pack in this folder.")) from error
        self.streets = frozenset(streets) if streets is not None else None
        self._refuse_unknown_streets()

    def city(self) -> City:
        """Return the city's row, made if it is not there."""
        names = ("name", "name_en", "cell_sequence_length")
        city, _made = City.objects.get_or_create(
            code=self.settings["code"], defaults={name: self.settings[name] for name in names}
        )
        return city

    def touches(self, district: str) -> bool:
        """Tell whether anything of this district is wanted."""
        return self.streets is None or any(code.startswith(district) for code in self.streets)

    def has_area(self, row: Row) -> bool:
        """Tell whether an area is wanted: wanted streets, their districts and communities."""
        return self._has(row["code"])

    def has_code(self, row: Row) -> bool:
        """Tell whether a code's area is wanted."""
        return self._has(row["area"])

    def has_cell(self, row: Row) -> bool:
        """Tell whether what lies inside one street is wanted."""
        return self._has(row["code"])

    def _has(self, code: str) -> bool:
        if len(code) == 6:
            return self.touches(code)
        return self.streets is None or code[:9] in self.streets

    def load(
        self,
        name: str,
        statement: str,
        *givens: dict,
        is_wanted: Callable[[Row], bool] | None = None,
    ) -> None:
        """Copy the wanted rows of a file into `pack`; run the statement once per given."""
        rows = [row for row in self._rows(name) if is_wanted is None or is_wanted(row)]
        if not rows:
            return
        with connection.cursor() as cursor:
            _copy(cursor, rows)
            for given in givens:
                cursor.execute(statement, {**_SRIDS, **given})
            cursor.execute("DROP TABLE pack, pack_text")

    def _rows(self, name: str) -> Iterator[Row]:
        path = self.folder / name
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return iter(csv.DictReader(io.StringIO(data.decode("utf-8"))))

    def _refuse_unknown_streets(self) -> None:
        known = {row["code"] for row in self._rows("divisions.csv") if row["level"] == "street"}
        unknown = sorted((self.streets or frozenset()) - known)
        if unknown:
            message = _("The city pack has no street %(codes)s.") % {"codes": ", ".join(unknown)}
            raise DomainError("unknown_street", message)
