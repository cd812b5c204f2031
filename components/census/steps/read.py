"""Reading: the file's lines into ``components_surveyline``, by COPY, some ten thousand a step."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from components.census.models import Survey
from components.census.places import Ground, ground_of, shapes_in
from components.census.reading import Batch, Layout, batches_of
from components.census.reading.layout import SEPARATOR, Kind, refused
from components.census.steps.progress import statement

_COPY = "COPY components_surveyline (survey_id, line, values, shape, problems) FROM STDIN"
NULL, BYTES = r"\N", r"\\x"  # as COPY reads them
_TO_ESCAPE = re.compile(r"[\\\t\n\r]")
_ESCAPES = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}
_EXTENT = """
SELECT ST_XMin(extent), ST_YMin(extent), ST_XMax(extent), ST_YMax(extent)
FROM (
    SELECT ST_Extent(geometry) AS extent FROM grid_gridcell
    WHERE city_id = %(city)s AND valid_to IS NULL
) AS city
"""


def file_of(survey: Survey) -> Path:
    """Return where a survey's file lies."""
    return Path(settings.MEDIA_ROOT) / survey.path


def layout_kept(survey: Survey) -> Layout:
    """Return the layout that was found when the file came."""
    return Layout(
        Kind(survey.kind),
        tuple(survey.headers),
        encoding=survey.encoding,
        delimiter=survey.delimiter,
        crs=survey.file_crs,
        has_shapes=survey.has_shapes,
        line_count=survey.total,
    )


def ground_for(survey: Survey) -> Ground:
    """Return how a survey's coordinates become WGS-84.

    Raise DomainError ``invalid`` where the system is not known, or the city has no cells.
    """
    extent = statement(_EXTENT, {"city": survey.city_id})[0]
    if extent[0] is None:
        raise refused(_("The city has no unit grid cells yet: nothing can be placed."))
    return ground_of(survey.datum, survey.crs, survey.file_crs, extent)


class Reader:
    """The rest of a survey's file, a batch at a time; kept open between the steps."""

    def __init__(self, survey: Survey) -> None:
        self.position = survey.position
        self.survey = survey
        layout = layout_kept(survey)
        columns = survey.mapping["columns"]
        self.columns = {field: layout.headers.index(name) for field, name in columns.items()}
        self.ground = ground_for(survey)
        self.batches: Iterator[Batch] = batches_of(file_of(survey), layout, skip=survey.position)

    def step(self) -> int:
        """Copy the next batch; return how many lines it had, 0 at the end of the file."""
        batch = next(self.batches, None)
        if batch is None:
            return 0
        lines_copy(self.survey.pk, batch, self.ground, self.columns)
        self.position += len(batch.numbers)
        if self.position > settings.CENSUS_MOST_LINES:
            raise refused(
                _("This file has more than %(count)s rows.")
                % {"count": f"{settings.CENSUS_MOST_LINES:,}"}
            )
        return len(batch.numbers)


def lines_copy(survey_id: int, batch: Batch, ground: Ground, columns: dict[str, int]) -> None:
    """Copy a batch into the database, with the shapes in WGS-84 and what is wrong with them."""
    shapes, problems = shapes_in(batch, ground, columns)
    problems |= batch.problems
    lines = [
        f"{survey_id}\t{number}\t{_escaped(SEPARATOR.join(texts))}"
        f"\t{NULL if shape is None else BYTES + shape}\t{problems.get(position, '')}\n"
        for position, (number, texts, shape) in enumerate(
            zip(batch.numbers, batch.values, shapes, strict=True)
        )
    ]
    file = io.StringIO("".join(lines))
    with connection.cursor() as cursor:
        cursor.copy_expert(_COPY, file)


def _escaped(text: str) -> str:
    """Return a text as COPY reads it."""
    if not _TO_ESCAPE.search(text):
        return text
    return _TO_ESCAPE.sub(lambda found: _ESCAPES[found[0]], text)
