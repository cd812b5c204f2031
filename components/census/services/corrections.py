"""Corrections: the error report comes back, its rows take the place of those that were wrong."""

from __future__ import annotations

import secrets
import shutil
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import transaction
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _

from accounts.models import User
from common.errors import DomainError
from components.census.models import Survey, SurveyLine
from components.census.publish import work_later
from components.census.reading import Batch, Layout, batches_of, layout_of
from components.census.report import ROW_HEADERS
from components.census.services.bringing import FOLDER, file_keep
from components.census.services.doors import survey_locked, survey_move
from components.census.steps.progress import statement
from components.census.steps.read import ground_for, layout_kept, lines_copy
from components.census.work import BEGIN

_VALUES = """
UPDATE components_surveyline SET values = %(values)s
WHERE survey_id = %(survey)s AND line = %(line)s
"""


@transaction.atomic
def survey_correct(
    *, actor: User, survey_id: int, name: str, upload: BinaryIO, now: datetime
) -> Survey:
    """Put corrected rows in the place of those with their numbers, and check the survey anew.

    Raise DomainError ``invalid`` for a file without row numbers, or with rows the survey has not.
    """
    survey = survey_locked(survey_id)
    survey_move(survey, "correct")
    folder = Path(settings.MEDIA_ROOT) / FOLDER / secrets.token_hex(16)
    folder.mkdir(parents=True, mode=0o755)
    try:
        path = folder / get_valid_filename(Path(name).name[-120:] or "file")
        file_keep(upload, path)
        layout = layout_of(path)
        count = sum(
            _replace(survey, layout, batch) for batch in batches_of(path, layout, size=5_000)
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    survey.remarks = [*survey.remarks, _("%(count)s rows were corrected.") % {"count": count}]
    survey.position = BEGIN
    survey.save()
    work_later(survey.pk)
    return survey


def _replace(survey: Survey, layout: Layout, batch: Batch) -> int:
    """Replace the lines of a batch; what the file leaves out of them stays."""
    number_at = next(
        (layout.headers.index(name) for name in _row_headers() if name in layout.headers), None
    )
    if number_at is None:
        raise _wrong(_("There is no column of row numbers: correct the error report itself."))
    try:
        numbers = [int(texts[number_at]) for texts in batch.values]
    except ValueError as error:
        raise _wrong(_("A row number is no number.")) from error
    kept = _kept(survey, numbers)
    if unknown := set(numbers) - kept.keys() or len(numbers) != len(set(numbers)):
        named = sorted(unknown)[:5] if isinstance(unknown, set) else numbers[:1]
        raise _wrong(
            _("The survey has no such rows, or they stand here twice: %(rows)s.")
            % {"rows": ", ".join(map(str, named))}
        )
    where = {name: layout.headers.index(name) for name in survey.headers if name in layout.headers}
    values = [
        [
            texts[where[name]] if name in where else old
            for name, old in zip(survey.headers, kept[number], strict=True)
        ]
        for number, texts in zip(numbers, batch.values, strict=True)
    ]
    _write(survey, Batch(numbers, values))
    return len(numbers)


def _write(survey: Survey, batch: Batch) -> None:
    columns = survey.mapping["columns"]
    if survey.has_shapes and not columns.keys() & {"longitude", "shape"}:
        for number, texts in zip(batch.numbers, batch.values, strict=True):
            statement(_VALUES, {"values": "\x1f".join(texts), "survey": survey.pk, "line": number})
        return
    places = {field: survey.headers.index(name) for field, name in columns.items()}
    SurveyLine.objects.filter(survey=survey, line__in=batch.numbers).delete()
    lines_copy(survey.pk, batch, ground_for(survey), places)


def _kept(survey: Survey, numbers: list[int]) -> dict[int, list[str]]:
    rows = SurveyLine.objects.filter(survey=survey, line__in=numbers).values_list("line", "values")
    width = len(layout_kept(survey).headers)
    return {line: (texts.split("\x1f") + [""] * width)[:width] for line, texts in rows}


def _row_headers() -> tuple[str, ...]:
    return (_("row number"), *ROW_HEADERS)


def _wrong(sentence: str) -> DomainError:
    return DomainError("invalid", sentence, {"file": [sentence]})
