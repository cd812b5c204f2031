"""Facts added up by their shapes: fifty conditions are asked of a few hundred rows, not of all.

What the conditions of measures ask for are a few columns with a few values each
(``measures.ASKED``). A day of a large city has 79,000 facts of some hundred shapes: they are
counted by shape first, and each measure adds up the shapes that it wants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count, F, IntegerField, QuerySet, Sum

from evaluation.measures import ASKED, MEASURES, Measure
from evaluation.models import CounterEntry, Fact

Statement = tuple[str, tuple[Any, ...]]

_ADDED = sorted({measure.adds for measure in MEASURES.values() if measure.adds})
_OF_FACTS = {"n_facts": Count("pk"), **{f"n_{column}": Sum(column) for column in _ADDED}}
_OF_ENTRIES = {  # each counts by its sign
    "n_facts": Sum("amount"),
    **{
        f"n_{column}": Sum(F("amount") * F(column), output_field=IntegerField())
        for column in _ADDED
    },
}


def facts_added(
    facts: QuerySet[Fact], keys: Mapping[str, Any], measures: Sequence[Measure]
) -> Statement:
    """Return the statement that adds up measures of facts for each combination of some keys.

    Its columns are the keys as they are named, then ``n_…`` for each measure; 0 for what is open
    and late, which has no fact.
    """
    return _added(facts, keys, measures, _OF_FACTS)


def entries_added(
    entries: QuerySet[CounterEntry], keys: Mapping[str, Any], measures: Sequence[Measure]
) -> Statement:
    """Return the same of what appeals took away and put in its place."""
    return _added(entries, keys, measures, _OF_ENTRIES)


def _added(
    rows: QuerySet[Any],
    keys: Mapping[str, Any],
    measures: Sequence[Measure],
    counted: Mapping[str, Any],
) -> Statement:
    shapes = rows.order_by().values(*ASKED, **keys).annotate(**counted)
    inner, values = shapes.values_list(*keys, *ASKED, *counted).query.sql_with_params()
    columns, asked = list(keys), list[Any]()
    for measure in measures:
        if measure.is_open_late:
            columns.append(f"0 AS n_{measure.key}")
            continue
        condition, parameters = _condition(measure.key)
        what = f"n_{measure.adds or 'facts'}"
        columns.append(f"sum({what}) FILTER (WHERE {condition}) AS n_{measure.key}")
        asked += parameters
    # The shapes stand under the name of the table that conditions are written for.
    table, names = Fact._meta.db_table, ", ".join(keys)
    sql = f"SELECT {', '.join(columns)} FROM ({inner}) AS {table} GROUP BY {names}"  # noqa: S608
    return sql, (*asked, *values)


@cache
def _condition(key: str) -> Statement:
    query = Fact.objects.filter(MEASURES[key].condition).query
    sql, values = query.get_compiler(DEFAULT_DB_ALIAS).compile(query.where)
    return sql, tuple(values)
