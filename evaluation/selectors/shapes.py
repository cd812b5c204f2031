"""Facts added up by their shapes: fifty conditions are asked of a few hundred rows, not of all.

What the conditions of measures ask for are a few columns with a few values each
(``measures.ASKED``). A day of a large city has 79,000 facts of some hundred shapes: they are
counted by shape first, and each measure adds up the shapes that it wants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count, Q, QuerySet, Sum

from evaluation.measures import ASKED, MEASURES, Measure
from evaluation.models import Fact

Statement = tuple[str, tuple[Any, ...]]

_ADDED = sorted({measure.adds for measure in MEASURES.values() if measure.adds})
_COUNTED = {"n_facts": Count("pk"), **{f"n_{column}": Sum(column) for column in _ADDED}}


def facts_added(
    facts: QuerySet[Fact], keys: Mapping[str, Any], measures: Sequence[Measure]
) -> Statement:
    """Return the statement that adds up measures of facts for each combination of some keys.

    Its columns are the keys as they are named, then ``n_…`` for each measure; 0 for what is open
    and late, which has no fact.
    """
    shapes = facts.order_by().values(*ASKED, **keys).annotate(**_COUNTED)
    inner, values = shapes.values_list(*keys, *ASKED, *_COUNTED).query.sql_with_params()
    columns, asked = list(keys), list[Any]()
    for measure in measures:
        if measure.is_open_late:
            columns.append(f"0 AS n_{measure.key}")
            continue
        condition, parameters = _condition(measure.condition)
        what = f"n_{measure.adds or 'facts'}"
        columns.append(f"sum({what}) FILTER (WHERE {condition}) AS n_{measure.key}")
        asked += parameters
    # The shapes stand under the name of the table that conditions are written for.
    table, names = Fact._meta.db_table, ", ".join(keys)
    sql = f"SELECT {', '.join(columns)} FROM ({inner}) AS {table} GROUP BY {names}"  # noqa: S608
    return sql, (*asked, *values)


def _condition(condition: Q) -> Statement:
    query = Fact.objects.filter(condition).query
    sql, values = query.get_compiler(DEFAULT_DB_ALIAS).compile(query.where)
    return sql, tuple(values)
