"""Surveys as plain values for the pages: progress, parts, findings, errors, points for the map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.gis.geos import GEOSGeometry
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from common.templatetags.ui import named
from components.census.mapping import FIELDS, PLACE_FIELDS, mapping_checked
from components.census.models import Survey, SurveyConfirmation, SurveyPart
from components.census.places import shapes_in
from components.census.problems import problem_read, problem_sentence
from components.census.reading import batches_of
from components.census.selectors import bad_rows, findings_of_kind, objections_in, rows_of_body
from components.census.steps.read import file_of, ground_for, layout_kept
from components.census.workflow import (
    WORKING,
    Datum,
    FindingKind,
    SurveyState,
)
from components.models import CaseType, TypeKind

FINDINGS_SHOWN = 50
PREVIEWED = 200
PHASES = (
    (SurveyState.READING, pgettext_lazy("census phase", "Reading")),
    (SurveyState.CHECKING, pgettext_lazy("census phase", "Checking")),
    (SurveyState.COMPARING, pgettext_lazy("census phase", "Comparing")),
)
LIGHTS = {"new": "green", "gone": "red", "moved": "amber", "changed": "amber"}


def survey_row(survey: Survey) -> dict[str, Any]:
    """Return one line of the list of surveys."""
    return {
        "survey": survey,
        "url": reverse("census:survey", args=[survey.pk]),
        "progress": progress_of(survey),
    }


def progress_of(survey: Survey) -> dict[str, Any]:
    """Return how far a survey came, phase by phase, in percent."""
    publishing = survey.working_count  # type: ignore[attr-defined]  the views count them
    phases = []
    order = [state for state, _label in PHASES]
    current = order.index(survey.state) if survey.state in order else None
    for number, (state, label) in enumerate(PHASES):
        percent = 100 if current is None or number < current else 0
        if survey.state == state:
            percent = _percent(survey)
        phases.append({"label": label, "percent": percent, "is_current": survey.state == state})
    if publishing:
        total = survey.wanted_count  # type: ignore[attr-defined]
        phases.append(
            {
                "label": _("Publishing"),
                "percent": 100 * (total - publishing) // max(total, 1),
                "is_current": True,
            }
        )
    return {"phases": phases, "is_working": survey.state in WORKING or bool(publishing)}


def _percent(survey: Survey) -> int:
    if not survey.total or survey.position < 0:
        return 0
    if survey.state != SurveyState.COMPARING:
        return min(99, 100 * survey.position // survey.total)
    types = CaseType.objects.filter(kind=TypeKind.COMPONENT)
    done = types.filter(pk__lte=survey.position).count()
    return min(99, 100 * done // max(types.count(), 1))


def part_rows(survey: Survey, limit: int = 2_000) -> list[dict[str, Any]]:
    """Return the parts of a survey, those with work left first."""
    parts = survey.parts.select_related("community__parent").order_by("community__code")[:limit]
    return [
        {"part": part, "url": reverse("census:part", args=[survey.pk, part.pk])} for part in parts
    ]


def finding_groups(part: SurveyPart) -> list[dict[str, Any]]:
    """Return the findings of a part by kind: how many, how many accepted, the first of them."""
    groups = []
    for kind in FindingKind:
        total = getattr(part, f"{kind}_count")
        if total:
            accepted, rows = findings_of_kind(part, kind, FINDINGS_SHOWN)
            objections = objections_in(part, rows)
            for row in rows:
                row["objections"] = objections.get(row["line"], [])
                row["fields"] = [str(FIELDS.get(name, _("Attributes"))) for name in row["fields"]]
            groups.append(
                {
                    "kind": kind,
                    "label": kind.label,
                    "count": total,
                    "accepted": accepted,
                    "rows": rows,
                    "rest": max(total - len(rows), 0),
                }
            )
    return groups


def finding_points(part: SurveyPart) -> list[dict[str, Any]]:
    """Return the first findings of a part as points for the map."""
    points = []
    for kind in FindingKind:
        for row in findings_of_kind(part, kind, 400)[1]:
            if row["lon"] is not None:
                label = f"{kind.label}: {named(row['type'])} {row['code'] or row['line'] or ''}"
                points.append(
                    {"lon": row["lon"], "lat": row["lat"], "light": LIGHTS[kind], "label": label}
                )
    return points


# What a body is in a row, and how it is called.
PARTS_OF_A_BODY = (
    ("is_competent", gettext_lazy("Competent body")),
    ("is_owner", gettext_lazy("Owner")),
    ("is_maintainer", gettext_lazy("Maintainer")),
)


def rows_to_confirm(asked: SurveyConfirmation, limit: int) -> dict[str, Any]:
    """Return the first rows that name a body, as points for the map too, and how many are left."""
    rows = rows_of_body(asked, limit)
    for row in rows:
        row["named_as"] = [str(label) for name, label in PARTS_OF_A_BODY if row[name]]
        row["kind_label"] = FindingKind(row["kind"]).label
    points = [
        {
            "lon": row["lon"],
            "lat": row["lat"],
            "light": LIGHTS[row["kind"]],
            "label": f"{row['line']} {named(row['type'])}",
        }
        for row in rows
        if row["lon"] is not None
    ]
    return {"rows": rows, "points": points, "rest": max(asked.row_count - len(rows), 0)}


def error_rows(survey: Survey, problem: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Return rows with errors: their number, what is wrong, and the texts it is about."""
    columns = survey.mapping.get("columns", {})
    rows = []
    for line, texts, problems in bad_rows(survey, problem=problem, after=after, limit=limit):
        by_header = dict(zip(survey.headers, texts, strict=False))
        wrong = {columns.get(problem_read(each).field) for each in problems}
        if wrong & {columns.get("longitude")}:
            wrong.add(columns.get("latitude"))
        shown = [name for name in columns.values() if name not in PLACE_FIELDS][:6]
        told = wrong.union(shown)
        rows.append(
            {
                "line": line,
                "sentences": [problem_sentence(each) for each in problems],
                "texts": [
                    {"header": name, "text": by_header.get(name, ""), "is_wrong": name in wrong}
                    for name in survey.headers
                    if name in told
                ],
            }
        )
    return rows


def preview_points(survey: Survey, data: Mapping[str, str]) -> dict[str, Any]:
    """Return where the first rows lie with the datum and columns of a form, and how many do not.

    Raise DomainError ``invalid`` for a datum or columns that cannot work.
    """
    survey.datum = data["datum"] if data.get("datum") in Datum.values else survey.datum
    survey.crs = data.get("crs", "")
    columns = {
        name: data[f"column-{name}"] for name in PLACE_FIELDS if data.get(f"column-{name}")
    } or {
        name: header
        for name, header in survey.mapping.get("columns", {}).items()
        if name in PLACE_FIELDS
    }
    mapping = {"columns": columns, "constants": {"type": "-"}}
    checked = mapping_checked(mapping, survey.headers, has_shapes=survey.has_shapes)
    places = {name: survey.headers.index(header) for name, header in checked["columns"].items()}
    batch = next(batches_of(file_of(survey), layout_kept(survey), size=PREVIEWED), None)
    if batch is None:
        return {"points": [], "lost": []}
    shapes, problems = shapes_in(batch, ground_for(survey), places)
    points = []
    for number, shape in zip(batch.numbers, shapes, strict=True):
        if shape:
            middle = GEOSGeometry(shape).centroid
            points.append(
                {"lon": middle.x, "lat": middle.y, "light": "green", "label": str(number)}
            )
    lost = sorted({problem_sentence(problem) for problem in problems.values()})
    return {"points": points, "lost": lost, "lost_count": len(problems)}
