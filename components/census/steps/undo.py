"""Rolling a part back: the register is as it was before, and no code is given twice.

What the part entered leaves the register (its history and its withdrawn code stay); what it changed
gets the values the history kept. Nothing is rolled back once anything stands on it.
"""

from __future__ import annotations

from typing import Any

import pghistory
from django.db import connection
from django.utils.translation import gettext as _
from psycopg2 import sql

from common.errors import DomainError
from components.census.models import SourceKey, Survey, SurveyPart
from components.census.steps.progress import changed_by, statement, table_make
from components.models import Component

_TOUCHED = """
SELECT component_id AS id, kind FROM components_surveyfinding
WHERE survey_id = %(survey)s AND community_id = %(community)s AND is_accepted
"""
# Uses the index on components_componentevent.pgh_obj_id.
_LATER = """
SELECT count(*) FROM touched WHERE EXISTS (
    SELECT FROM components_componentevent AS event
    WHERE event.pgh_obj_id = touched.id AND event.pgh_id > %(mark)s
        AND event.pgh_context_id IS DISTINCT FROM %(context)s)
"""
_WITHDRAWN = """
INSERT INTO components_withdrawncode (code, survey_id)
SELECT component.code, %(survey)s FROM touched
JOIN components_component AS component ON component.id = touched.id
WHERE touched.kind = 'new' ON CONFLICT DO NOTHING
"""
_KEYS = """
DELETE FROM components_sourcekey USING touched
WHERE touched.kind = 'new' AND components_sourcekey.component_id = touched.id
"""
_OUT = """
DELETE FROM components_component USING touched
WHERE touched.kind = 'new' AND components_component.id = touched.id
"""
KEPT = tuple(
    field.column
    for field in Component._meta.concrete_fields
    if not field.primary_key and not field.generated
)
# The history holds each row as it was before the part changed it. Uses the index on
# components_componentevent.pgh_obj_id.
_BACK = sql.SQL("""
UPDATE components_component AS component SET {columns}
FROM (
    SELECT DISTINCT ON (event.pgh_obj_id) event.* FROM touched
    JOIN components_componentevent AS event ON event.pgh_obj_id = touched.id
    WHERE touched.kind <> 'new' AND event.pgh_context_id = %(context)s
    ORDER BY event.pgh_obj_id, event.pgh_id
) AS before
WHERE component.id = before.pgh_obj_id
""").format(
    columns=sql.SQL(", ").join(
        sql.SQL("{0} = before.{0}").format(sql.Identifier(column)) for column in KEPT
    )
)


def part_undo(survey: Survey, part: SurveyPart) -> int:
    """Take a published part back; return how many components that concerned.

    Raise DomainError ``in_use`` 409 when later changes, cases or anything else refer to them.
    """
    values: dict[str, Any] = {
        "survey": survey.pk,
        "community": part.community_id,
        "context": part.context_id,
        "mark": part.history_mark,
    }
    table_make("touched", _TOUCHED, values)
    statement("ANALYZE touched")
    _refuse_dependents(values)
    with pghistory.context(survey=survey.pk, user=part.undone_by_id, reason=part.undo_reason):
        statement(_WITHDRAWN, dict(values))
        statement(_KEYS, dict(values))
        count = changed_by(_OUT, dict(values))
        with connection.cursor() as cursor:
            count += changed_by(_BACK.as_string(cursor.cursor), dict(values))
        statement("SET CONSTRAINTS ALL IMMEDIATE")
    return count


def _refuse_dependents(values: dict[str, Any]) -> None:
    """Refuse when anything stands on what the part wrote."""
    later = statement(_LATER, values)[0][0]
    if later:
        raise _in_use(
            _("%(count)s components were changed after they were published: first undo that.")
            % {"count": later}
        )
    for relation in Component._meta.related_objects:
        model = relation.related_model
        if model is SourceKey or model._meta.label == "components.ComponentEvent":
            continue
        column = relation.field.column
        asked = sql.SQL(
            "SELECT count(*) FROM {table} WHERE {column} IN"
            " (SELECT id FROM touched WHERE kind = 'new')"
        ).format(table=sql.Identifier(model._meta.db_table), column=sql.Identifier(column))
        with connection.cursor() as cursor:
            cursor.execute(asked)
            count = cursor.fetchone()[0]
        if count:
            raise _in_use(
                _("%(count)s entries of “%(what)s” refer to components of this part.")
                % {"count": count, "what": model._meta.verbose_name_plural}
            )


def _in_use(sentence: str) -> DomainError:
    return DomainError("in_use", sentence, status=409)
