"""Reading surveys: who sees which, what is wrong, what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

from components.census.models import (
    Survey,
    SurveyConfirmation,
    SurveyFinding,
    SurveyObjection,
    SurveyPart,
)
from components.census.problems import ABOUT_A_ROW
from components.census.reading import batches_of
from components.census.reading.layout import SEPARATOR
from components.census.steps.progress import ROW_OF_FINDING, statement
from components.census.steps.read import file_of, layout_kept

MOST_ON_MAP = 2_000

# Uses survey_row_bad. Problems about another row are counted together.
_PROBLEM_COUNTS = """
SELECT CASE WHEN split_part(problem, ':', 1) = ANY (%(about_a_row)s)
        THEN split_part(problem, ':', 1) ELSE problem END AS problem, count(*)
FROM components_surveyrow CROSS JOIN LATERAL unnest(problems) AS problem
WHERE survey_id = %(survey)s AND problems <> '{}'
GROUP BY 1 ORDER BY 2 DESC, 1
"""
_BAD_ROWS = """
SELECT row.line, line.values, row.problems
FROM components_surveyrow AS row
JOIN components_surveyline AS line ON line.survey_id = row.survey_id AND line.line = row.line
WHERE row.survey_id = %(survey)s AND row.problems <> '{}' AND row.line > %(after)s
    AND (%(problem)s = '' OR EXISTS (
        SELECT FROM unnest(row.problems) AS problem
        WHERE problem = %(problem)s OR problem LIKE %(problem)s || ':%%'))
ORDER BY row.line LIMIT %(limit)s
"""
_BAD_PLACES = """
SELECT row.line, ST_X(row.point), ST_Y(row.point), row.problems
FROM components_surveyrow AS row
WHERE row.survey_id = %(survey)s AND row.problems <> '{}' AND row.point IS NOT NULL
    AND (%(problem)s = '' OR EXISTS (
        SELECT FROM unnest(row.problems) AS problem
        WHERE problem = %(problem)s OR problem LIKE %(problem)s || ':%%'))
ORDER BY row.line LIMIT %(limit)s
"""


# Uses survey_finding_part.
_FINDINGS = f"""
SELECT finding.id, finding.line, finding.fields, finding.moved_m, finding.is_accepted,
    type.name, type.name_en, coalesce(component.code, ''), ST_X(place), ST_Y(place),
    coalesce(nullif(row.name, ''), component.name, ''),
    coalesce(nullif(row.address, ''), component.address, ''), row.doubts
FROM components_surveyfinding AS finding
JOIN components_casetype AS type ON type.id = finding.type_id
LEFT JOIN {ROW_OF_FINDING}
LEFT JOIN components_component AS component ON component.id = finding.component_id
CROSS JOIN LATERAL (SELECT coalesce(row.point, component.point) AS place) AS there
WHERE finding.survey_id = %(survey)s AND finding.community_id = %(community)s
    AND finding.kind = %(kind)s
ORDER BY finding.is_accepted, finding.id LIMIT %(limit)s
"""  # noqa: S608  constants of the code alone
_OF_BODY = """
SELECT row.line, type.name, type.name_en, row.name, row.address, row.doubts,
    row.competent_body_id = %(body)s, row.owner_id = %(body)s, row.maintainer_id = %(body)s,
    finding.kind, ST_X(row.point), ST_Y(row.point)
FROM components_surveyfinding AS finding
JOIN components_surveyrow AS row ON row.survey_id = finding.survey_id AND row.line = finding.line
JOIN components_casetype AS type ON type.id = row.type_id
WHERE finding.survey_id = %(survey)s
    AND %(body)s IN (row.competent_body_id, row.owner_id, row.maintainer_id)
ORDER BY row.line LIMIT %(limit)s
"""


def findings_of_kind(part: SurveyPart, kind: str, limit: int) -> tuple[int, list[dict[str, Any]]]:
    """Return how many findings of a kind are accepted in a part, and the first of all.

    Those that are not accepted come first: they are what bodies and reviewers found fault with.
    """
    values = {
        "survey": part.survey_id,
        "community": part.community_id,
        "kind": str(kind),
        "limit": limit,
    }
    names = (
        "id", "line", "fields", "moved_m", "is_accepted", "type_name", "type_name_en", "code",
        "lon", "lat", "name", "address", "doubts",
    )  # fmt: skip
    rows = [dict(zip(names, row, strict=True)) for row in statement(_FINDINGS, values)]
    for row in rows:
        row["type"] = SimpleNamespace(name=row["type_name"], name_en=row["type_name_en"])
    accepted = SurveyFinding.objects.filter(
        survey=part.survey_id, community_id=part.community_id, kind=kind, is_accepted=True
    ).count()
    return accepted, rows


def objections_in(part: SurveyPart, rows: Sequence[dict[str, Any]]) -> dict[int, list[str]]:
    """Return what bodies say against rows of a part, by the row's number: "who: why"."""
    said: dict[int, list[str]] = {}
    lines = [row["line"] for row in rows if row["line"] is not None]
    found = SurveyObjection.objects.filter(confirmation__survey=part.survey_id, line__in=lines)
    for objection in found.select_related("confirmation__organisation").order_by("pk"):
        who = objection.confirmation.organisation
        said.setdefault(objection.line, []).append(f"{who}: {objection.reason}")
    return said


def rows_of_body(asked: SurveyConfirmation, limit: int) -> list[dict[str, Any]]:
    """Return the first rows in which a survey names a body, and as what."""
    values = {"survey": asked.survey_id, "body": asked.organisation_id, "limit": limit}
    names = (
        "line", "type_name", "type_name_en", "name", "address", "doubts", "is_competent",
        "is_owner", "is_maintainer", "kind", "lon", "lat",
    )  # fmt: skip
    rows = [dict(zip(names, row, strict=True)) for row in statement(_OF_BODY, values)]
    for row in rows:
        row["type"] = SimpleNamespace(name=row["type_name"], name_en=row["type_name_en"])
    return rows


def problem_counts(survey: Survey) -> list[dict[str, Any]]:
    """Return how many rows have each problem, the commonest first."""
    rows = statement(_PROBLEM_COUNTS, {"survey": survey.pk, "about_a_row": sorted(ABOUT_A_ROW)})
    return [{"problem": problem, "count": count} for problem, count in rows]


def bad_rows(
    survey: Survey, *, problem: str = "", after: int = 0, limit: int = 50
) -> list[tuple[int, list[str], list[str]]]:
    """Return rows with errors: number, texts of the file, problems."""
    values = {"survey": survey.pk, "problem": problem, "after": after, "limit": limit}
    return [
        (line, texts.split(SEPARATOR), problems)
        for line, texts, problems in statement(_BAD_ROWS, values)
    ]


def bad_rows_streamed(
    survey: Survey, step: int = 5_000
) -> Iterator[tuple[int, list[str], list[str]]]:
    """Return all rows with errors, some thousand in memory at a time."""
    after = 0
    while rows := bad_rows(survey, after=after, limit=step):
        yield from rows
        after = rows[-1][0]


def bad_places(
    survey: Survey, *, problem: str = "", limit: int = MOST_ON_MAP
) -> list[tuple[int, float, float, list[str]]]:
    """Return where rows with errors lie, if anywhere: number, lon, lat, problems."""
    values = {"survey": survey.pk, "problem": problem, "limit": limit}
    return statement(_BAD_PLACES, values)


def first_lines(survey: Survey, count: int = 20) -> list[list[str]]:
    """Return the first lines of a survey's file, as they stand there."""
    batch = next(batches_of(file_of(survey), layout_kept(survey), size=count), None)
    return batch.values if batch else []
