"""Publishing a part: what was accepted in one community reaches the register, whole or not at all.

Codes are given in one statement, in the order of the cells; counters are locked in the order of
their prefixes, so that two publications never wait for each other in a ring. What the census writes
over is kept by the register's own history, under one context with survey, reviewer and reason.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pghistory
from django.db import IntegrityError
from django.utils.translation import gettext as _

from common.errors import DomainError
from components.census.models import Survey, SurveyPart
from components.census.steps.check import is_said
from components.census.steps.progress import ROW_OF_FINDING, changed_by, statement, table_make
from components.services import MAX_SEQUENCE

# Uses survey_finding_part and the primary key of components_surveyrow.
_FRESH = f"""
SELECT finding.component_id AS id, row.*, district.code || substr(type.code, 2) AS prefix,
    cell.code AS cell_code
FROM components_surveyfinding AS finding
JOIN {ROW_OF_FINDING}
JOIN components_casetype AS type ON type.id = row.type_id
JOIN grid_gridcell AS cell ON cell.id = row.cell_id
JOIN grid_area AS community ON community.id = finding.community_id
JOIN grid_area AS street ON street.id = community.parent_id
JOIN grid_area AS district ON district.id = street.parent_id
WHERE finding.survey_id = %(survey)s AND finding.community_id = %(community)s
    AND finding.kind = 'new' AND finding.is_accepted
"""  # noqa: S608  constants of the code alone
_COUNTERS = """
INSERT INTO components_codecounter AS counter (prefix, last)
SELECT prefix, given FROM (
    SELECT left(code, 10) AS prefix, max(right(code, 6)::int) AS given
    FROM fresh WHERE code <> '' GROUP BY 1
) AS brought ORDER BY prefix
ON CONFLICT (prefix) DO UPDATE SET last = greatest(counter.last, excluded.last)
"""
_CODES = """
INSERT INTO components_codecounter AS counter (prefix, last)
SELECT prefix, count FROM (
    SELECT prefix, count(*) AS count FROM fresh WHERE code = '' GROUP BY prefix
) AS wanted ORDER BY prefix
ON CONFLICT (prefix) DO UPDATE SET last = counter.last + excluded.last
RETURNING prefix, last
"""
_NEW = """
INSERT INTO components_component (
    id, city_id, code, type_id, name, competent_body_id, owner_id, maintainer_id, state, geometry,
    point, cell_id, community_id, address, accuracy, source, surveyed_date, installed_date,
    attributes
)
SELECT thing.id, %(city)s,
    CASE WHEN code <> '' THEN code
        ELSE prefix || lpad((counter.last - wanted + number)::text, 6, '0') END,
    type_id, name, competent_body_id, owner_id, maintainer_id,
    coalesce(nullif(state, ''), 'intact'), geometry, point, cell_id, community_id, address,
    coalesce(nullif(accuracy, ''), 'B'), %(source)s, coalesce(surveyed_date, %(surveyed)s),
    installed_date, attributes
FROM (
    SELECT *, row_number() OVER (PARTITION BY prefix, code = '' ORDER BY cell_code, line) AS number,
        count(*) FILTER (WHERE code = '') OVER (PARTITION BY prefix) AS wanted
    FROM fresh
) AS thing
LEFT JOIN components_codecounter AS counter USING (prefix)
"""
_CHANGED = f"""
UPDATE components_component AS component SET
    name = CASE WHEN 'name' = ANY (fields) THEN row.name ELSE component.name END,
    competent_body_id = CASE WHEN 'competent_body' = ANY (fields)
        THEN row.competent_body_id ELSE component.competent_body_id END,
    owner_id = CASE WHEN 'owner' = ANY (fields) THEN row.owner_id ELSE component.owner_id END,
    maintainer_id = CASE WHEN 'maintainer' = ANY (fields)
        THEN row.maintainer_id ELSE component.maintainer_id END,
    state = CASE WHEN 'state' = ANY (fields) THEN row.state ELSE component.state END,
    address = CASE WHEN 'address' = ANY (fields) THEN row.address ELSE component.address END,
    accuracy = CASE WHEN 'accuracy' = ANY (fields) THEN row.accuracy ELSE component.accuracy END,
    installed_date = CASE WHEN 'installed_date' = ANY (fields)
        THEN row.installed_date ELSE component.installed_date END,
    attributes = CASE WHEN 'attributes' = ANY (fields)
        THEN component.attributes || row.attributes ELSE component.attributes END,
    geometry = CASE WHEN finding.kind = 'moved' THEN row.geometry ELSE component.geometry END,
    point = CASE WHEN finding.kind = 'moved' THEN row.point ELSE component.point END,
    cell_id = CASE WHEN finding.kind = 'moved' THEN row.cell_id ELSE component.cell_id END,
    community_id = CASE WHEN finding.kind = 'moved'
        THEN row.community_id ELSE component.community_id END,
    surveyed_date = coalesce(row.surveyed_date, %(surveyed)s, component.surveyed_date)
FROM components_surveyfinding AS finding
JOIN {ROW_OF_FINDING}
WHERE finding.survey_id = %(survey)s AND finding.community_id = %(community)s
    AND finding.kind IN ('moved', 'changed') AND finding.is_accepted
    AND component.id = finding.component_id
"""  # noqa: S608  constants of the code alone
_GONE = """
UPDATE components_component AS component
SET retired_date = %(on)s, ending = 'retired', state = 'abandoned'
FROM components_surveyfinding AS finding
WHERE finding.survey_id = %(survey)s AND finding.community_id = %(community)s
    AND finding.kind = 'gone' AND finding.is_accepted AND component.id = finding.component_id
"""
_KEYS = f"""
INSERT INTO components_sourcekey (component_id, source, key)
SELECT component_id, %(source)s, key FROM (
    SELECT id AS component_id, key FROM fresh
    UNION ALL
    SELECT finding.component_id, row.key
    FROM components_surveyfinding AS finding
    JOIN {ROW_OF_FINDING}
    WHERE finding.survey_id = %(survey)s AND finding.community_id = %(community)s
        AND finding.kind IN ('moved', 'changed') AND finding.is_accepted
) AS told WHERE key <> ''
ON CONFLICT (source, key) DO UPDATE SET component_id = excluded.component_id
    WHERE components_sourcekey.component_id <> excluded.component_id
"""  # noqa: S608  constants of the code alone
# Somebody changed what was compared, or entered something here since. Uses the indexes on
# components_componentevent.pgh_obj_id and components_component.community_id.
_STALE = """
SELECT (
    SELECT count(DISTINCT event.pgh_obj_id) FROM components_surveyfinding AS finding
    JOIN components_componentevent AS event
        ON event.pgh_obj_id = finding.component_id AND event.pgh_id > survey.history_mark
    WHERE finding.survey_id = survey.id AND finding.community_id = %(community)s
        AND finding.kind <> 'new' AND finding.is_accepted
) + (
    SELECT count(*) FROM components_component AS component
    WHERE component.community_id = %(community)s AND component.id > survey.register_mark
        AND component.ending = ''
        AND component.type_id IN (
            SELECT type_id FROM components_surveyfinding
            WHERE survey_id = survey.id AND community_id = %(community)s)
        AND NOT EXISTS (
            SELECT FROM components_surveyfinding AS own
            WHERE own.component_id = component.id AND own.survey_id = survey.id)
)
FROM components_survey AS survey WHERE survey.id = %(survey)s
"""


def part_publish(survey: Survey, part: SurveyPart, *, on: date, now: datetime) -> int:
    """Publish a part; return how many components it entered, changed or ended.

    Raise DomainError ``compare_again`` 409 when the register changed since the comparison, and
    ``not_possible`` 409 when codes are used up.
    """
    values: dict[str, Any] = {
        "survey": survey.pk,
        "community": part.community_id,
        "city": survey.city_id,
        "source": survey.source,
        "surveyed": survey.surveyed_date,
        "on": on,
    }
    stale = statement(_STALE, values)[0][0]
    if stale:
        raise compare_again(stale)
    context = pghistory.context(
        survey=survey.pk, user=part.decided_by_id, reason=part.reason or "census"
    )
    with context as opened:
        try:
            count = _write(survey, values)
        except IntegrityError as error:
            raise compare_again(1) from error
        part.context_id = opened.id
    part.published_at, part.published_count = now, count
    part.history_mark = statement("SELECT coalesce(max(pgh_id), 0) FROM components_componentevent")[
        0
    ][0]
    return count


def _write(survey: Survey, values: dict[str, Any]) -> int:
    statement("SET CONSTRAINTS ALL IMMEDIATE")  # a third dearer where they wait for the end
    table_make("fresh", _FRESH, values)
    if is_said(survey, "code"):
        statement(_COUNTERS, values)
    for prefix, last in statement(_CODES, values):
        if last > MAX_SEQUENCE:
            raise DomainError(
                "not_possible",
                _("All codes that begin with %(prefix)s are used up.") % {"prefix": prefix},
                status=409,
            )
    count = changed_by(_NEW, values)
    count += changed_by(_CHANGED, dict(values))
    count += changed_by(_GONE, dict(values))
    if is_said(survey, "key"):
        statement(_KEYS, values)
    return count


def compare_again(count: int) -> DomainError:
    """Return the refusal of findings that are no longer true."""
    return DomainError(
        "compare_again",
        _(
            "%(count)s components changed in the register since the comparison. "
            "Compare the survey again."
        )
        % {"count": count},
        status=409,
    )
