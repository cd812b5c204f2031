"""Where: administrative areas, unit grid cells, zones, beats, and who answers where.

Areas and cells are versioned by validity dates and never overwritten. Geometry is stored in
``settings.GEO_STORAGE_SRID``; lengths and areas are metric, computed in
``settings.GEO_METRIC_SRID``.
"""

from grid.models.areas import (
    SRID,
    Area,
    AreaCode,
    Community,
    District,
    LevelManager,
    ManagementArea,
    Street,
)
from grid.models.cells import (
    Beat,
    BeatAssignment,
    GridCell,
    Jurisdiction,
    Zone,
)
from grid.models.places import (
    BaseFeature,
    Place,
    PlaceAlias,
    SearchableName,
)
from grid.models.reorganising import (
    AreaSuccession,
    CellSuccession,
    PastArea,
    Reorganisation,
    ReorganisationLine,
    ReorganisationStep,
)
from grid.models.validity import (
    Validity,
    ValidityManager,
    ValidityQuerySet,
)

__all__ = [
    "SRID",
    "Area",
    "AreaCode",
    "AreaSuccession",
    "BaseFeature",
    "Beat",
    "BeatAssignment",
    "CellSuccession",
    "Community",
    "District",
    "GridCell",
    "Jurisdiction",
    "LevelManager",
    "ManagementArea",
    "PastArea",
    "Place",
    "PlaceAlias",
    "Reorganisation",
    "ReorganisationLine",
    "ReorganisationStep",
    "SearchableName",
    "Street",
    "Validity",
    "ValidityManager",
    "ValidityQuerySet",
    "Zone",
]
