"""Where the geographic C libraries are: in the wheels the project uses anyway, else Debian's."""

import os
from importlib.util import find_spec
from pathlib import Path


def _library(package: str, pattern: str) -> str | None:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    found = sorted((folder.parent / f"{package}.libs").glob(pattern))
    return str(found[0]) if found else None


def find_geo_libraries() -> tuple[str | None, str | None]:
    """Return the paths of pyogrio's GDAL and shapely's GEOS; None: Django looks on the system."""
    gdal = _library("pyogrio", "libgdal-*.so*")
    geos = _library("shapely", "libgeos_c-*.so*")
    if gdal is None or geos is None:
        return None, None
    data = Path(gdal).parent.parent / "pyogrio"
    os.environ.setdefault("GDAL_DATA", str(data / "gdal_data"))
    os.environ.setdefault("PROJ_DATA", str(data / "proj_data"))
    return gdal, geos
