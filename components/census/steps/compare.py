"""Comparing: rows with each other and with the register, one type a step.

A row is known again by its identification code, by the source's own key (both were looked up when
it was checked), else as the nearest of its type within the accuracy. Nearness is found by buckets
of ten metres: a join of hashes instead of a walk through an index for each of a million rows.
"""

from __future__ import annotations

from math import cos, radians
from typing import Any

from components.census.models import Survey
from components.census.steps.check import is_said
from components.census.steps.progress import statement, table_make
from components.census.workflow import Coverage

METRES_A_DEGREE = 111_320.0  # of latitude; of longitude times the cosine

_NEXT_TYPE = """
SELECT min(type_id) FROM components_surveyrow WHERE survey_id = %(survey)s AND type_id > %(after)s
"""
_MIDDLE = """
SELECT (ST_YMin(extent) + ST_YMax(extent)) / 2
FROM (SELECT ST_Extent(geometry) AS extent FROM grid_gridcell WHERE city_id = %(city)s) AS city
"""
_TWICE = """
UPDATE components_surveyrow AS row
SET problems = row.problems || ('{problem}:' || first.line)
FROM (
    SELECT {field} AS text, min(line) AS line FROM components_surveyrow
    WHERE survey_id = %(survey)s AND {field} <> '' GROUP BY {field} HAVING count(*) > 1
) AS first
WHERE row.survey_id = %(survey)s AND row.{field} = first.text AND row.line > first.line
"""
_COMMUNITIES = """
UPDATE components_survey SET surveyed_communities = CASE
    WHEN cardinality(communities) > 0 THEN communities
    ELSE ARRAY(SELECT DISTINCT community_id FROM components_surveyrow
        WHERE survey_id = %(survey)s AND community_id IS NOT NULL AND problems = '{}')
    END,
    register_mark = coalesce((SELECT max(id) FROM components_component), 0), compared_at = now(),
    history_mark = coalesce((SELECT max(pgh_id) FROM components_componentevent), 0)
WHERE id = %(survey)s
"""
_RADIUS = "CASE {accuracy} WHEN 'A' THEN 0.5 WHEN 'C' THEN 10 ELSE 1 END::float"
_BUCKETS = "floor(x / 10)::int AS bucket_x, floor(y / 10)::int AS bucket_y"
# Uses survey_row_type.
_STANDING = f"""
SELECT *, {_BUCKETS} FROM (
    SELECT line, component_id, ST_X(point) * %(east_m)s AS x, ST_Y(point) * %(north_m)s AS y,
        {_RADIUS.format(accuracy="accuracy")} AS radius
    FROM components_surveyrow
    WHERE survey_id = %(survey)s AND type_id = %(type)s AND point IS NOT NULL
) AS row
"""  # noqa: S608
# A table of its own, so that the planner counts it: it would guess a million buckets a row.
_PROBES = """
SELECT line, component_id, x, y, radius, bucket_x, bucket_y
FROM (
    SELECT line, component_id, x, y, radius FROM standing WHERE {which}
) AS standing
CROSS JOIN generate_series(floor((x - {reach}) / 10)::int, floor((x + {reach}) / 10)::int)
    AS bucket_x
CROSS JOIN generate_series(floor((y - {reach}) / 10)::int, floor((y + {reach}) / 10)::int)
    AS bucket_y
"""
# The one that stands earlier in the file is kept. What either could be mistaken for is the smaller
# of the two accuracies.
_NEAR = """
UPDATE components_surveyrow AS row SET {column} = row.{column} || ('near:' || found.earlier)
FROM (
    SELECT probe.line, min(other.line) AS earlier
    FROM probe JOIN standing AS other USING (bucket_x, bucket_y)
    WHERE other.line < probe.line AND (other.x - probe.x) ^ 2 + (other.y - probe.y) ^ 2
        <= least(other.radius, probe.radius) ^ 2
    GROUP BY probe.line
) AS found
WHERE row.survey_id = %(survey)s AND row.line = found.line
"""
# Uses component_type_area.
_THERE = f"""
SELECT *, {_BUCKETS} FROM (
    SELECT id, ST_X(point) * %(east_m)s AS x, ST_Y(point) * %(north_m)s AS y,
        {_RADIUS.format(accuracy="accuracy")} AS radius
    FROM components_component AS component
    WHERE type_id = %(type)s AND city_id = %(city)s AND ending = '' AND NOT EXISTS (
        SELECT FROM standing WHERE standing.component_id = component.id)
) AS component
"""  # noqa: S608
_MATCH = """
UPDATE components_surveyrow AS row SET component_id = best.component_id
FROM (
    SELECT DISTINCT ON (id) id AS component_id, line
    FROM (
        SELECT DISTINCT ON (probe.line) probe.line, there.id,
            (there.x - probe.x) ^ 2 + (there.y - probe.y) ^ 2 AS away2
        FROM probe JOIN there USING (bucket_x, bucket_y)
        WHERE (there.x - probe.x) ^ 2 + (there.y - probe.y) ^ 2
            <= greatest(there.radius, probe.radius) ^ 2
        ORDER BY probe.line, away2, there.id
    ) AS nearest
    ORDER BY id, away2, line
) AS best
WHERE row.survey_id = %(survey)s AND row.line = best.line
"""
# A row has the type of the component it is known as: only that type's are read.
_FINDINGS = """
INSERT INTO components_surveyfinding (
    survey_id, community_id, kind, type_id, line, component_id, fields, moved_m, is_accepted
)
SELECT %(survey)s,
    CASE WHEN is_moved OR component_id IS NULL THEN community_id ELSE standing_community END,
    CASE WHEN component_id IS NULL THEN 'new' WHEN is_moved THEN 'moved' ELSE 'changed' END,
    %(type)s, line,
    coalesce(component_id, nextval('components_component_id_seq')),
    fields, CASE WHEN is_moved THEN away_m END, true
FROM (
    SELECT row.line, row.community_id, component.id AS component_id,
        component.community_id AS standing_community, place.away_m,
        component.id IS NOT NULL AND (place.away_m > place.limit_m
            OR ST_Dimension(row.geometry) > 0
            AND ST_HausdorffDistance(row.geometry, component.geometry) * %(north_m)s
                > place.limit_m) AS is_moved,
        CASE WHEN component.id IS NULL THEN '{{}}'
            ELSE array_remove(ARRAY[{fields}]::text[], NULL) END AS fields
    FROM components_surveyrow AS row
    LEFT JOIN components_component AS component
        ON component.id = row.component_id AND component.type_id = %(type)s
    CROSS JOIN LATERAL (
        SELECT sqrt(((ST_X(row.point) - ST_X(component.point)) * %(east_m)s) ^ 2
                + ((ST_Y(row.point) - ST_Y(component.point)) * %(north_m)s) ^ 2) AS away_m,
            greatest({row_radius}, {there_radius}) AS limit_m
    ) AS place
    WHERE row.survey_id = %(survey)s AND row.type_id = %(type)s AND row.problems = '{{}}'
) AS compared
WHERE (component_id IS NULL OR is_moved OR fields <> '{{}}')
    AND CASE WHEN is_moved OR component_id IS NULL THEN community_id ELSE standing_community END
        <> ALL (%(decided)s::bigint[])
"""
# The planner knows nothing yet of a survey's rows: it would look for each component in all of them.
_FOUND = """
SELECT component_id FROM components_surveyrow
WHERE survey_id = %(survey)s AND type_id = %(type)s AND component_id IS NOT NULL
"""
_GONE = """
INSERT INTO components_surveyfinding (
    survey_id, community_id, kind, type_id, line, component_id, fields, is_accepted
)
SELECT %(survey)s, component.community_id, 'gone', %(type)s, NULL, component.id, '{}', false
FROM components_component AS component
WHERE component.type_id = %(type)s AND component.city_id = %(city)s AND component.ending = ''
    AND component.community_id = ANY (%(scope)s::bigint[])
    AND component.community_id <> ALL (%(decided)s::bigint[])
    AND NOT EXISTS (SELECT FROM found WHERE found.component_id = component.id)
"""
_PARTS = """
INSERT INTO components_surveypart (
    survey_id, community_id, state, new_count, gone_count, moved_count, changed_count, reason,
    published_count, undo_reason, error, history_mark
)
SELECT %(survey)s, community_id, 'waiting', count(*) FILTER (WHERE kind = 'new'),
    count(*) FILTER (WHERE kind = 'gone'), count(*) FILTER (WHERE kind = 'moved'),
    count(*) FILTER (WHERE kind = 'changed'), '', 0, '', '', 0
FROM components_surveyfinding WHERE survey_id = %(survey)s
GROUP BY community_id ORDER BY community_id
ON CONFLICT (survey_id, community_id) DO NOTHING
"""
_COUNTS = """
UPDATE components_survey SET bad_count = counted.bad,
    same_count = counted.good - (
        SELECT count(*) FROM components_surveyfinding
        WHERE survey_id = %(survey)s AND line IS NOT NULL)
FROM (
    SELECT count(*) FILTER (WHERE problems <> '{}') AS bad,
        count(*) FILTER (WHERE problems = '{}') AS good
    FROM components_surveyrow WHERE survey_id = %(survey)s
) AS counted
WHERE id = %(survey)s
"""
# What is compared, where the file says anything of it; a blank says nothing.
_FIELD_CHANGED = {
    "name": "row.name <> '' AND row.name <> component.name",
    "competent_body": (
        "row.competent_body_id <> component.competent_body_id AND NOT 'default_body' = ANY (doubts)"
    ),
    "owner": "row.owner_id IS NOT NULL AND row.owner_id IS DISTINCT FROM component.owner_id",
    "maintainer": (
        "row.maintainer_id IS NOT NULL"
        " AND row.maintainer_id IS DISTINCT FROM component.maintainer_id"
    ),
    "state": "row.state <> '' AND row.state <> component.state",
    "address": "row.address <> '' AND row.address <> component.address",
    "accuracy": "row.accuracy <> '' AND row.accuracy <> component.accuracy",
    "installed_date": (
        "row.installed_date IS NOT NULL"
        " AND row.installed_date IS DISTINCT FROM component.installed_date"
    ),
}


def compare_begin(survey: Survey) -> None:
    """Find what stands twice in the file, and the communities it is about."""
    values = {"survey": survey.pk}
    # The planner, which knows nothing yet of these rows, would group them anew for each of them.
    statement("SET LOCAL enable_nestloop = off")
    for field in ("code", "key"):
        if is_said(survey, field):
            statement(_TWICE.format(field=field, problem=f"{field}_twice"), values)
    statement(_COMMUNITIES, values)


def compare_step(survey: Survey) -> int:
    """Compare the rows of the next type; return its id, 0 when there is none left."""
    values: dict[str, Any] = {"survey": survey.pk, "after": survey.position}
    kind = statement(_NEXT_TYPE, values)[0][0]
    if kind is None:
        return 0
    middle = statement(_MIDDLE, {"city": survey.city_id})[0][0]
    values |= {
        "type": kind,
        "city": survey.city_id,
        "east_m": METRES_A_DEGREE * cos(radians(middle)),
        "north_m": METRES_A_DEGREE,
        "scope": survey.surveyed_communities,
        "decided": list(survey.parts.values_list("community_id", flat=True)),
    }
    table_make("standing", _STANDING, values)
    statement("ANALYZE standing")
    table_make("probe", _PROBES.format(reach="radius", which="true"))
    statement("ANALYZE probe")
    column = "doubts" if survey.is_near_allowed else "problems"
    statement(_NEAR.format(column=column), values)
    _match(values)
    statement(findings_statement(survey), values)
    if survey.coverage == Coverage.WHOLE:
        table_make("found", _FOUND, values)
        statement("ANALYZE found")
        statement(_GONE, values)
    return int(kind)


def _match(values: dict[str, Any]) -> None:
    """Know rows again by their place, where neither code nor key did."""
    if not statement("SELECT 1 FROM standing WHERE component_id IS NULL LIMIT 1"):
        return
    if table_make("there", _THERE, values):
        statement("ANALYZE there")
        table_make("probe", _PROBES.format(reach="10", which="component_id IS NULL"))
        statement("ANALYZE probe")
        statement(_MATCH, values)


def compare_end(survey: Survey) -> None:
    """Count what was found, by community."""
    values = {"survey": survey.pk}
    statement(_PARTS, values)
    statement(_COUNTS, values)


def findings_statement(survey: Survey) -> str:
    """Return the statement that finds what differs, for the fields the file says anything of."""
    fields = [
        f"CASE WHEN {condition} THEN '{name}' END"
        for name, condition in _FIELD_CHANGED.items()
        if is_said(survey, name)
    ]
    if survey.mapping["attributes"]:
        fields.append("CASE WHEN NOT component.attributes @> row.attributes THEN 'attributes' END")
    return _FINDINGS.format(
        fields=", ".join(fields) or "NULL",
        row_radius=_RADIUS.format(accuracy="row.accuracy"),
        there_radius=_RADIUS.format(accuracy="component.accuracy"),
    )
