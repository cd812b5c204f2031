"""A ready grid comes in from the files surveyors send; what cannot be used is refused in words."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date
from io import StringIO
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from django.conf import settings
from django.contrib.gis.gdal import CoordTransform, OGRGeometry, SpatialReference
from django.core.management import CommandError, call_command
from django.utils import translation

from common.errors import DomainError
from grid.gridding import Cell
from grid.importing import read_grid
from grid.models import Community, GridCell
from grid.selectors import locate
from grid.services import grid_make
from tests.cast import Cast

DAY = date(2026, 4, 1)
CODE = "网格编码"
METRIC = f"EPSG:{settings.GEO_METRIC_SRID}"


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Sentences are compared in English."""
    with translation.override("en"):
        yield


@pytest.fixture
def community(cast: Cast) -> Community:
    """The community in which the cast's cases lie."""
    return Community.objects.get(pk=locate(*cast.place, on=DAY).community.id)


@pytest.fixture
def cells(community: Community) -> list[Cell]:
    """Cells that fit the community, with codes that nobody bore."""
    _grounds, made, _check = grid_make(communities=[community.pk])
    for cell in made:
        cell.code = f"{community.code}{500 + cell.sequence}"
    return made


def write(path: Path, cells: list[Cell], crs: str | None = METRIC, **columns) -> Path:
    """Write cells as a surveyor would."""
    shapes = np.array([cell.shape.wkb for cell in cells], dtype=object)
    if crs not in (None, METRIC):
        way = CoordTransform(SpatialReference(settings.GEO_METRIC_SRID), SpatialReference(crs))
        moved = [
            OGRGeometry(memoryview(bytes(shape))).transform(way, clone=True).wkb for shape in shapes
        ]
        shapes = np.array([bytes(shape) for shape in moved], dtype=object)
    fields = {CODE: [cell.code for cell in cells], "kind": [cell.kind for cell in cells], **columns}
    target = path.with_suffix(".shp") if path.suffix == ".zip" else path
    pyogrio.raw.write(
        target,
        shapes,
        [np.array(values, dtype=object) for values in fields.values()],
        list(fields),
        geometry_type="Polygon",
        crs=crs,
        encoding="GBK" if target.suffix == ".shp" else None,
    )
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for part in target.parent.glob(f"{target.stem}.*"):
                if part.suffix not in (".zip", ".cpg"):
                    archive.write(part, part.name)
    return path


def read(path: Path, **options) -> list[Cell]:
    return read_grid(path, sequence_digits=3, code_field=CODE, kind_field="kind", **options)


@pytest.mark.parametrize(
    ("name", "crs"),
    [
        ("grid.gpkg", METRIC),
        ("grid.shp", "EPSG:4490"),
        ("grid.zip", METRIC),
        ("grid.geojson", "EPSG:4326"),
    ],
)
def test_cells_come_in_as_they_went_out(cells, tmp_path, name, crs):
    found = read(write(tmp_path / name, cells, crs))
    assert [(c.code, c.kind, c.community) for c in found] == [
        (c.code, c.kind, c.community) for c in cells
    ]
    for one, other in zip(found, cells, strict=True):
        assert one.shape.symmetric_difference(other.shape).area < 0.2


def test_a_ready_grid_replaces_the_cells_and_keeps_its_codes(cast, community, cells, tmp_path):
    path = write(tmp_path / "grid.gpkg", cells)
    said = StringIO()
    call_command("import_grid", str(path), "--code-field", CODE, stdout=said)
    assert GridCell.objects.filter(code=cells[0].code).count() == 0
    options = ("--code-field", CODE, "--kind-field", "kind", "--apply", "--from", "2026-04-01")
    call_command("import_grid", str(path), *options, stdout=said)
    assert "cells closed" in said.getvalue()
    today = GridCell.objects.valid_on(DAY).filter(community=community)
    assert set(today.values_list("code", flat=True)) == {cell.code for cell in cells}
    with pytest.raises(CommandError, match="never borne again"):
        call_command("import_grid", str(path), *options)


def test_cells_that_leave_a_gap_change_nothing(cast, community, cells, tmp_path):
    before = set(GridCell.objects.valid_on(DAY).values_list("pk", flat=True))
    path = write(tmp_path / "grid.gpkg", cells[1:])
    with pytest.raises(CommandError, match="do not fit"):
        call_command("import_grid", str(path), "--code-field", CODE, "--apply", stdout=StringIO())
    assert set(GridCell.objects.valid_on(DAY).values_list("pk", flat=True)) == before


def test_a_community_nobody_knows_is_named(cast, cells, tmp_path):
    for cell in cells:
        cell.code = f"999999999999{cell.code[12:]}"
    path = write(tmp_path / "grid.gpkg", cells)
    with pytest.raises(CommandError, match="999999999999"):
        call_command("import_grid", str(path), "--code-field", CODE, stdout=StringIO())


def refusal(path: Path, **options) -> str:
    with pytest.raises(DomainError) as refused:
        read(path, **options)
    assert refused.value.code == "invalid"
    return str(refused.value.message)


def test_what_is_no_geographic_file_is_refused(tmp_path):
    path = tmp_path / "grid.gpkg"
    path.write_bytes(b"no database")
    assert "grid.gpkg" in refusal(path)
    assert "none.shp" in refusal(tmp_path / "none.shp")
    bomb = tmp_path / "empty.zip"
    zipfile.ZipFile(bomb, "w").close()
    assert "empty.zip" in refusal(bomb)


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_a_file_without_a_coordinate_system_must_be_told_one(cells, tmp_path):
    path = write(tmp_path / "grid.shp", cells, crs=None)
    assert "EPSG:4549" in refusal(path)
    assert "EPSG:1" in refusal(path, crs="EPSG:1")
    assert len(read(path, crs=METRIC)) == len(cells)


@pytest.mark.parametrize("code", ["12", "33010600100100A", "", "330106007004０01"])
def test_a_code_that_is_none_is_named(cells, tmp_path, code):
    cells[3].code = code
    assert f"have not: {code}" in refusal(write(tmp_path / "grid.gpkg", cells))


def test_a_code_that_stands_twice_is_named(cells, tmp_path):
    cells[3].code = cells[0].code
    assert cells[0].code in refusal(write(tmp_path / "grid.gpkg", cells))


def test_a_kind_nobody_knows_is_named(cells, tmp_path):
    cells[0].kind = "swamp"
    assert "swamp" in refusal(write(tmp_path / "grid.gpkg", cells))


def test_a_cell_in_pieces_is_named(cells, tmp_path):
    crossed = [(0, 0), (300, 300), (300, 0), (0, 300)]
    cells[0].shape = shapely.Polygon(crossed)
    assert cells[0].code in refusal(write(tmp_path / "grid.gpkg", cells))


def test_a_missing_field_is_named_with_those_that_are_there(cells, tmp_path):
    path = write(tmp_path / "grid.gpkg", cells)
    with pytest.raises(DomainError, match=CODE):
        read_grid(path, sequence_digits=3, code_field="BGID")
