"""Files of shapes as they come: Shapefile (zipped too), GeoPackage, GeoJSON.

What is wrong with them in practice is mended or told here, for whoever reads them: a DBF in GBK
that does not say so, a missing .shx, no .prj, heights, archives that are traps. An archive is never
unpacked where its names say: the parts of its one layer go into a folder of our own.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from django.contrib.gis.gdal import (
    AxisOrder,
    CoordTransform,
    GDALException,
    OGRGeometry,
    SpatialReference,
)
from django.utils.translation import gettext as _
from pyogrio.errors import DataLayerError, DataSourceError

from common.errors import DomainError

UNSAID = "ISO-8859-1"  # what GDAL assumes of a DBF without a .cpg
ENCODINGS = ("UTF-8", "GB18030")  # those used in China, the stricter first
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
LAYER_FILES = (".shp", ".gpkg", ".geojson", ".json")
MOST_UNPACKED_BYTES = 2 * 1024**3
MOST_SWELLING = 200  # times its packed size; text packs twenty times, a bomb a thousand
WGS84 = 4326

pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": "YES"})


@dataclass(frozen=True, slots=True)
class Layer:
    """The one layer of a file: where it can be read, and what it says of itself."""

    path: Path
    crs: str
    encoding: str
    fields: tuple[str, ...]
    count: int
    is_index_restored: bool = False

    def read(self, *, skip: int = 0, most: int | None = None) -> tuple[np.ndarray, list[Any]]:
        """Return shapes (WKB or None, without heights) and the columns of some features.

        Raise DomainError ``invalid`` for what cannot be read.
        """
        with refusing(self.path.name):
            options = {"encoding": self.encoding} if self.encoding else {}
            _meta, _fids, shapes, columns = pyogrio.raw.read(
                self.path, force_2d=True, skip_features=skip, max_features=most, **options
            )
        if shapes is None:
            raise invalid(_("This file has no shapes."))
        return shapes, columns


@contextlib.contextmanager
def layer_of(path: Path) -> Iterator[Layer]:
    """Open the layer of a file; what an archive holds is unpacked for as long as it is used.

    Raise DomainError ``invalid`` for what is no such file, holds several layers, or is a trap.
    """
    if path.suffix.lower() != ".zip":
        yield _described(path, path.name)
        return
    folder = Path(tempfile.mkdtemp(prefix="layer-"))
    try:
        yield _described(_unpacked(path, folder), path.name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_archive(path: Path) -> None:
    """Refuse an archive that unpacks to far more than it seems (a zip bomb)."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise _unreadable(path.name) from error
    if size > max(path.stat().st_size * MOST_SWELLING, 1024**2) or size > MOST_UNPACKED_BYTES:
        raise invalid(_("“%(name)s” unpacks to far more than it may.") % {"name": path.name})


def _unpacked(path: Path, folder: Path) -> Path:
    """Write the parts of an archive's layer into a folder, under names of our own."""
    check_archive(path)
    with zipfile.ZipFile(path) as archive:
        names = [
            part.filename
            for part in archive.infolist()
            if not part.is_dir() and "__MACOSX" not in part.filename
        ]
        layers = [name for name in names if name.lower().endswith(LAYER_FILES)]
        if len(layers) != 1:
            raise (
                _unreadable(path.name)
                if not layers
                else invalid(
                    _("There are %(count)s layers in this archive; send one at a time: %(names)s.")
                    % {"count": len(layers), "names": ", ".join(layers[:5])}
                )
            )
        stem, suffix = layers[0].rsplit(".", 1)
        wanted = {layers[0]: f"layer.{suffix.lower()}"}
        if suffix.lower() == "shp":
            wanted |= {
                name: f"layer{part}"
                for name in names
                for part in SHAPEFILE_PARTS
                if name.lower() == f"{stem}{part}".lower()
            }
        for name, own in wanted.items():
            with _opened(archive, name, path.name) as packed, (folder / own).open("wb") as target:
                shutil.copyfileobj(packed, target, 1024 * 1024)
    return folder / f"layer.{suffix.lower()}"


def _opened(archive: zipfile.ZipFile, name: str, called: str) -> Any:
    try:
        return archive.open(name)
    except (RuntimeError, zipfile.BadZipFile, NotImplementedError) as error:  # with a password
        raise _unreadable(called) from error


def _described(path: Path, called: str) -> Layer:
    is_shapefile = path.suffix.lower() == ".shp"
    restored = is_shapefile and path.exists() and not path.with_suffix(".shx").exists()
    with refusing(called):
        info = pyogrio.read_info(path, force_feature_count=True)
        encoding = _encoding(path) if info["encoding"] == UNSAID else ""
        if encoding:
            info = pyogrio.read_info(path, encoding=encoding, force_feature_count=True)
    return Layer(
        path,
        str(info["crs"] or ""),
        encoding,
        tuple(map(str, info["fields"])),
        int(info["features"]),
        restored,
    )


def _encoding(path: Path) -> str:
    """Return the encoding in which every text of a DBF can be read; "" if in none."""
    for encoding in ENCODINGS:
        with contextlib.suppress(UnicodeDecodeError):
            pyogrio.raw.read(path, encoding=encoding, read_geometry=False)
            return encoding
    return ""


class Way:
    """The way from one coordinate system to another, for many points at once.

    ``source`` and ``target`` are what PROJ understands: "EPSG:4549", WKT, a PROJ string, an SRID.
    Coordinates come and go as x, y (longitude, latitude) whatever the system's own order is.
    Raise DomainError ``invalid`` for what is no coordinate system.
    """

    def __init__(self, source: str | int, target: str | int = WGS84) -> None:
        try:
            systems = [
                SpatialReference(system, axis_order=AxisOrder.TRADITIONAL)
                for system in (source, target)
            ]
            self._way = CoordTransform(*systems)
        except (GDALException, TypeError, ValueError) as error:
            raise invalid(
                _("There is no coordinate system “%(name)s”.") % {"name": str(source)[:60]}
            ) from error

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Return points (an array of x, y) moved; NaN where there is no way for them."""
        if not len(points):
            return points
        try:
            return self._moved(points)
        except GDALException:
            if len(points) == 1:
                return np.full_like(points, np.nan)
        half = len(points) // 2
        return np.concatenate([self(points[:half]), self(points[half:])])

    def _moved(self, points: np.ndarray) -> np.ndarray:
        line = shapely.to_wkb(shapely.multipoints(points))
        moved = OGRGeometry(memoryview(line)).transform(self._way, clone=True)
        return shapely.get_coordinates(shapely.from_wkb(bytes(moved.wkb)))

    def shape(self, wkb: bytes) -> bytes:
        """Return one shape moved; raise GDALException when there is no way for it."""
        return bytes(OGRGeometry(memoryview(wkb)).transform(self._way, clone=True).wkb)


@contextlib.contextmanager
def refusing(name: str) -> Iterator[None]:
    """Turn what GDAL raises about a file into a sentence."""
    try:
        yield
    except (DataSourceError, DataLayerError, OSError, ValueError) as error:
        raise _unreadable(name) from error


def _unreadable(name: str) -> DomainError:
    return invalid(
        _("“%(name)s” cannot be read as a Shapefile, GeoPackage or GeoJSON.") % {"name": name}
    )


def invalid(sentence: str) -> DomainError:
    """Return the refusal of a file."""
    return DomainError("invalid", sentence, {"file": [sentence]})
