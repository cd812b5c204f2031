"""Checking: lines become rows, some ten thousand a step; every text is understood once.

A step is a handful of statements on sets: the lines of the step with their columns by name; the
words nobody has looked up yet; the places with cell and community (one join, the lowest cell's id
on a border, as ``grid.selectors.locate`` has it); then the rows with everything that is wrong.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import connection
from psycopg2.extras import Json, execute_values

from components.census.mapping import PLAIN_FIELDS, WORD_FIELDS
from components.census.models import Survey
from components.census.steps.progress import statement, table_make
from components.census.words import ATTRIBUTES, Dictionary

STEP = 100_000
LONGEST_WORD = 200
BLANKS = r"E' \t\r\n\u3000\u00a0\ufeff'"  # what btrim takes off a text

_UPTO = """
SELECT max(line), count(*) FROM (
    SELECT line FROM components_surveyline
    WHERE survey_id = %(survey)s AND line > %(after)s ORDER BY line LIMIT %(step)s
) AS next
"""
_CHUNK = """
SELECT line, problems AS said, ST_GeomFromWKB(shape, 4326) AS geometry, {columns}
FROM (
    SELECT line, shape, problems, string_to_array(values, chr(31)) AS v
    FROM components_surveyline
    WHERE survey_id = %(survey)s AND line > %(after)s AND line <= %(upto)s
) AS split
"""
_UNKNOWN = """
SELECT '{field}', text, NULL FROM (SELECT DISTINCT {field} AS text FROM chunk) AS said
WHERE text IS NOT NULL AND NOT EXISTS (
    SELECT FROM components_surveyword AS word
    WHERE word.survey_id = %(survey)s AND word.field = '{field}' AND word.text = said.text)
"""
_UNKNOWN_ATTRIBUTES = """
SELECT 'attributes', md5(text), text FROM (SELECT DISTINCT attributes AS text FROM chunk) AS said
WHERE NOT EXISTS (
    SELECT FROM components_surveyword AS word
    WHERE word.survey_id = %(survey)s AND word.field = 'attributes' AND word.text = md5(said.text))
"""
_WORDS = """
INSERT INTO components_surveyword (survey_id, field, text, ref, code, day, data, problem)
VALUES %s ON CONFLICT DO NOTHING
"""
_PLACED = """
SELECT line, CASE WHEN is_valid THEN
        CASE GeometryType(geometry) WHEN 'POINT' THEN geometry
            WHEN 'LINESTRING' THEN ST_LineInterpolatePoint(geometry, 0.5)
            ELSE ST_PointOnSurface(geometry) END
    END AS point,
    is_valid,
    CASE GeometryType(geometry) WHEN 'POINT' THEN 'point' WHEN 'LINESTRING' THEN 'line'
        WHEN 'MULTILINESTRING' THEN 'line' WHEN 'POLYGON' THEN 'area'
        WHEN 'MULTIPOLYGON' THEN 'area' ELSE '' END AS kind
FROM (
    SELECT line, geometry, GeometryType(geometry) = 'POINT' OR ST_IsValid(geometry) AS is_valid
    FROM chunk WHERE geometry IS NOT NULL
) AS shaped
"""
# Each cell looks for its points: a cell's outline is prepared once, however many lie in it. Uses
# the GiST index made on ``placed`` just before, and that on grid_gridcell.geometry.
_SITES = """
SELECT found.line, cell.id AS cell_id, cell.community_id, district.code AS district
FROM (
    SELECT placed.line, min(cell.id) AS cell_id
    FROM placed JOIN grid_gridcell AS cell ON ST_Covers(cell.geometry, placed.point)
    WHERE cell.city_id = %(city)s AND cell.valid_from <= %(on)s
        AND (cell.valid_to IS NULL OR cell.valid_to > %(on)s)
        AND cell.geometry && (SELECT ST_SetSRID(ST_Extent(point)::geometry, 4326) FROM placed)
    GROUP BY placed.line
) AS found
JOIN grid_gridcell AS cell ON cell.id = found.cell_id
JOIN grid_area AS community ON community.id = cell.community_id
JOIN grid_area AS street ON street.id = community.parent_id
JOIN grid_area AS district ON district.id = street.parent_id
"""
# Who is competent where the file does not say: the district's body of the type's trade, else the
# city's.
_DEFAULT_BODIES = """
SELECT place.district, trade.department_kind AS trade, coalesce(
    (SELECT min(own.id) FROM accounts_organisation AS own
        JOIN grid_jurisdiction AS tie ON tie.organisation_id = own.id
        JOIN grid_area AS area ON area.id = tie.area_id
        WHERE own.city_id = %(city)s AND own.is_active AND tie.function = 'handling'
            AND own.department_kind = trade.department_kind AND area.code = place.district
            AND tie.valid_from <= %(on)s AND (tie.valid_to IS NULL OR tie.valid_to > %(on)s)),
    (SELECT min(body.id) FROM accounts_organisation AS body
        JOIN accounts_organisation AS root ON root.id = body.parent_id AND root.kind = 'city'
        WHERE body.city_id = %(city)s AND body.is_active
            AND body.department_kind = trade.department_kind)
) AS organisation_id
FROM (SELECT DISTINCT district FROM site) AS place
CROSS JOIN (
    SELECT DISTINCT department_kind FROM accounts_organisation
    WHERE city_id = %(city)s AND department_kind <> ''
) AS trade
"""
_ROWS = """
INSERT INTO components_surveyrow (
    survey_id, line, component_id, type_id, code, key, name, competent_body_id, owner_id,
    maintainer_id, state, geometry, point, cell_id, community_id, address, accuracy, surveyed_date,
    installed_date, attributes, problems, doubts
)
SELECT %(survey)s, chunk.line, {component}, {register_type},
    {code}, {key}, left(coalesce(chunk.name, ''), 80),
    CASE WHEN {component} IS NULL THEN coalesce({competent_body}, body.organisation_id)
        ELSE {competent_body} END,
    {owner}, {maintainer}, {state},
    CASE WHEN placed.is_valid THEN chunk.geometry END, placed.point, site.cell_id,
    site.community_id, left(coalesce(chunk.address, ''), 200), {accuracy}, {surveyed_date},
    {installed_date}, coalesce(attributes_word.data, '{{}}'),
    array_remove(string_to_array(chunk.said, chr(30)) || ARRAY[{problems}]
        || string_to_array(nullif(attributes_word.problem, ''), chr(30)), NULL),
    array_remove(ARRAY[{doubts}]::text[], NULL)
FROM chunk
LEFT JOIN placed ON placed.line = chunk.line
LEFT JOIN site ON site.line = chunk.line
LEFT JOIN components_surveyword AS attributes_word ON attributes_word.survey_id = %(survey)s
    AND attributes_word.field = 'attributes' AND attributes_word.text = md5(chunk.attributes)
{joins}
LEFT JOIN components_casetype AS type ON type.id = {type}
LEFT JOIN body ON body.district = site.district AND body.trade = type.lead_department_kind
"""
_WORD_JOIN = """
LEFT JOIN components_surveyword AS {field}_word ON {field}_word.survey_id = %(survey)s
    AND {field}_word.field = '{field}' AND {field}_word.text = chunk.{field}
"""
# Looked up one by one, at most so many as there are lines in a step, never by reading the register
# (LIMIT keeps the planner from it). Uses the unique indexes on components_component.code and
# components_withdrawncode.code.
_CODE_JOIN = """
LEFT JOIN LATERAL (
    SELECT id, type_id, ending FROM components_component
    WHERE code = left(chunk.code, 17) AND city_id = %(city)s LIMIT 1
) AS known ON true
LEFT JOIN components_withdrawncode AS withdrawn ON withdrawn.code = left(chunk.code, 17)
LEFT JOIN (
    SELECT DISTINCT code FROM grid_area WHERE city_id = %(city)s AND level = 'district'
) AS own_district ON own_district.code = left(chunk.code, 6)
"""
# Uses the unique index on components_sourcekey (source, key).
_KEY_JOIN = """
LEFT JOIN LATERAL (
    SELECT component.id, component.type_id FROM components_sourcekey AS source_key
    JOIN components_component AS component ON component.id = source_key.component_id
    WHERE source_key.source = %(source)s AND source_key.key = left(chunk.key, 200)
        AND component.ending = '' LIMIT 1
) AS keyed ON true
"""
_WORD_COLUMNS = {
    "type": "ref", "competent_body": "ref", "owner": "ref", "maintainer": "ref", "state": "code",
    "accuracy": "code", "surveyed_date": "day", "installed_date": "day",
}  # fmt: skip
_NOTHING = {"ref": "NULL::bigint", "code": "''", "day": "NULL::date"}
_PROBLEMS = (
    "CASE WHEN chunk.type IS NULL THEN 'no_type' END",
    "CASE WHEN NOT placed.is_valid THEN 'invalid_shape' END",
    (
        "CASE WHEN type.id IS NOT NULL AND placed.is_valid"
        " AND NOT type.geometry_kinds ? placed.kind THEN 'wrong_shape' END"
    ),
    "CASE WHEN placed.is_valid AND site.cell_id IS NULL THEN 'outside_city' END",
    (
        "CASE WHEN cardinality(%(communities)s::bigint[]) > 0 AND site.community_id IS NOT NULL"
        " AND site.community_id <> ALL (%(communities)s::bigint[]) THEN 'outside_scope' END"
    ),
)
_CODE_PROBLEMS = (
    (
        "CASE WHEN chunk.code IS NOT NULL AND known.id IS NULL THEN CASE"
        " WHEN chunk.code !~ '^[0-9]{16}$' THEN 'code_form'"
        " WHEN own_district.code IS NULL THEN 'code_district'"
        " WHEN substr(chunk.code, 7, 4) <> substr(type.code, 2) THEN 'code_type'"
        " WHEN withdrawn.id IS NOT NULL THEN 'code_withdrawn' END"
        " WHEN known.ending <> '' THEN 'code_ended' END"
    ),
    "CASE WHEN known.type_id <> type.id THEN 'type_differs' END",
)


def check_step(survey: Survey, *, on: date, dictionary: Dictionary) -> tuple[int, int]:
    """Check the lines after the survey's position; return the last one's number and how many."""
    values = {
        "survey": survey.pk,
        "city": survey.city_id,
        "after": survey.position,
        "step": STEP,
        "on": on,
        "source": survey.source,
        "communities": survey.communities,
    }
    upto, count = statement(_UPTO, values)[0]
    if not count:
        return survey.position, 0
    values["upto"] = upto
    _chunk_make(survey, values)
    _words_learn(survey, values, dictionary)
    table_make("placed", _PLACED, values)
    statement("CREATE INDEX ON placed USING gist (point)")
    statement("ANALYZE chunk (line)")
    statement("ANALYZE placed")
    table_make("site", _SITES, values)
    statement("ANALYZE site")
    table_make("body", _DEFAULT_BODIES, values)
    statement(rows_statement(survey), values)
    return upto, count


def _chunk_make(survey: Survey, values: dict[str, Any]) -> None:
    """Give the lines of the step the names of their columns."""
    mapping, parts = survey.mapping, []
    for field in (*WORD_FIELDS, *PLAIN_FIELDS):
        longest = LONGEST_WORD if field in WORD_FIELDS else 1_000
        parts.append(f"left({_text(survey, field, values)}, {longest}) AS {field}")
    names = [_column(survey, header) for header in mapping["attributes"].values()]
    texts = [f"left({name}, {LONGEST_WORD})" for name in names]
    of_type = f"left({_text(survey, 'type', values)}, {LONGEST_WORD})"
    together = " || chr(31) || ".join(
        [f"coalesce({of_type}, '')", *(f"coalesce({text}, '')" for text in texts)]
    )
    parts.append(f"{together} AS attributes")
    table_make("chunk", _CHUNK.format(columns=", ".join(parts)), values)


def _text(survey: Survey, field: str, values: dict[str, Any]) -> str:
    """Return the expression of a field's text: its column, else its constant, else NULL."""
    header = survey.mapping["columns"].get(field)
    constant = survey.mapping["constants"].get(field)
    column = _column(survey, header) if header else "NULL::text"
    if constant is None:
        return column
    values[f"constant_{field}"] = constant
    return f"coalesce({column}, %(constant_{field})s::text)"


def _column(survey: Survey, header: str) -> str:
    return f"nullif(btrim(v[{survey.headers.index(header) + 1}], {BLANKS}), '')"


def is_said(survey: Survey, field: str) -> bool:
    """Tell whether a survey says anything of a field."""
    return field in survey.mapping["columns"] or field in survey.mapping["constants"]


def _words_learn(survey: Survey, values: dict[str, Any], dictionary: Dictionary) -> None:
    """Look up the words of the step that stand in no earlier one."""
    asked = [_UNKNOWN.format(field=field) for field in WORD_FIELDS if is_said(survey, field)]
    unknown = statement(" UNION ALL ".join([*asked, _UNKNOWN_ATTRIBUTES]), values)
    rows = []
    for field, text, whole in unknown:
        meaning = dictionary.meaning(field, whole if field == ATTRIBUTES else text)
        data = None if meaning.data is None else Json(meaning.data)
        rows.append(
            (survey.pk, field, text, meaning.ref, meaning.code, meaning.day, data, meaning.problem)
        )
    if rows:
        with connection.cursor() as cursor:
            execute_values(cursor.cursor, _WORDS, rows, page_size=1000)


def rows_statement(survey: Survey) -> str:
    """Return the statement that makes rows of a step's lines, without what the file never says."""
    said = [field for field in WORD_FIELDS if is_said(survey, field)]
    has_code, has_key = is_said(survey, "code"), is_said(survey, "key")
    parts = {
        field: f"coalesce({field}_word.{kind}, {_NOTHING[kind]})"
        if field in said
        else _NOTHING[kind]
        for field, kind in _WORD_COLUMNS.items()
    }
    joins = [_WORD_JOIN.format(field=field) for field in said]
    problems = [*_PROBLEMS, *(f"nullif({field}_word.problem, '')" for field in said)]
    problems += [
        f"CASE WHEN length(chunk.{field}) > {most} THEN 'too_long:{field}' END"
        for field, most in (("name", 80), ("address", 200), ("key", 200))
        if is_said(survey, field)
    ]
    candidates, types = [], []
    if has_code:
        joins.append(_CODE_JOIN)
        problems += _CODE_PROBLEMS
        candidates.append("known.id")
        types.append("known.type_id")
    if has_key:
        joins.append(_KEY_JOIN)
        problems.append("CASE WHEN keyed.type_id <> type.id THEN 'type_differs' END")
        candidates.append("keyed.id")
        types.append("keyed.type_id")
    component = f"coalesce({', '.join(candidates)})" if candidates else "NULL::bigint"
    who = f"coalesce({parts['competent_body']}, body.organisation_id)"
    problems.append(
        f"CASE WHEN {component} IS NULL AND type.id IS NOT NULL AND site.cell_id IS NOT NULL"
        f" AND {who} IS NULL THEN 'no_body' END"
    )
    doubts = "NULL"
    if "competent_body" in said:
        doubts = "CASE WHEN chunk.competent_body IS NULL THEN 'default_body' END"
    return _ROWS.format(
        **parts,
        component=component,
        # What the register knows already keeps its type, whatever the file says.
        register_type=f"coalesce({', '.join([*types, 'type.id'])})",
        code="left(coalesce(chunk.code, ''), 16)" if has_code else "''",
        key="left(coalesce(chunk.key, ''), 200)" if has_key else "''",
        problems=", ".join(problems),
        doubts=doubts,
        joins="".join(joins),
    )
