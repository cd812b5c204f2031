"""What every request asks, written once and planned once.

Django writes the SQL of a queryset anew at each use, and PostgreSQL plans it anew: for a case with
its relations that costs ten times what reading the rows does. A ``Prepared`` queryset is written
once a process and, unless ``PREPARED_STATEMENTS`` is off, planned once a connection; a
``Statement`` does the second for SQL of our own.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import BooleanField, F, Field, Func, Model, QuerySet
from django.db.models.expressions import Expression

M = TypeVar("M", bound=Model)

_numbers = itertools.count(1)
_PLACE = re.compile("%s|%%")


class Statement:
    """SQL with ``%s`` for its values, which the server plans once a connection.

    The types of its values must follow from the SQL. Behind a pooler (``PREPARED_STATEMENTS``
    off) it is sent as it stands.
    """

    def __init__(self, name: str, sql: str) -> None:
        self.name = f"{name}_{next(_numbers)}"
        self.sql = sql
        places = (f"${number}" for number in itertools.count(1))
        self._numbered = _PLACE.sub(lambda m: next(places) if m[0] == "%s" else "%", sql)
        count = sum(place == "%s" for place in _PLACE.findall(sql))
        values = f" ({', '.join(['%s'] * count)})" if count else ""
        self._call = f"EXECUTE {self.name}{values}"
        self._known = threading.local()  # a connection is one thread's

    def execute(self, cursor: Any, values: Sequence[Any]) -> None:
        """Run it on a cursor of Django's."""
        cursor.execute(self.text(), values)

    def text(self) -> str:
        """Return what to execute on this thread's connection, ``%s`` for each value."""
        if not settings.PREPARED_STATEMENTS:
            return self.sql
        connection = connections[DEFAULT_DB_ALIAS]
        connection.close_if_health_check_failed()  # a cursor would look later than this
        connection.ensure_connection()
        if getattr(self._known, "to", None) is not connection.connection:
            with connection.connection.cursor() as cursor:
                cursor.execute(f"PREPARE {self.name} AS {self._numbered}")
            self._known.to = connection.connection
        return self._call


class Slot(Expression):
    """Stands for a value that is given when a prepared queryset runs."""

    def __init__(self, name: str, output_field: Field[Any, Any] | None = None) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Take the place of a value; ``Prepared`` puts it there."""
        return "%s", (self,)


class Among(Func):
    """Tells whether a field is one of the ids that a slot brings, however many they are.

    Read as a query's result, so that the planner never counts them: it would think a plan for ten
    dearer than one for the five of this call, and plan anew each time.
    """

    template = "%(expressions)s::bigint[])))"
    arg_joiner = " = ANY(ARRAY(SELECT unnest("
    output_field = BooleanField()

    def __init__(self, field: str, slot: str) -> None:
        super().__init__(F(field), Slot(slot))


class Prepared(Generic[M]):
    """A queryset with slots, as a function of their values.

        CLOCKS = Prepared(CaseClock.objects.filter(case=Slot("case")))
        CLOCKS(case=7)

    What it returns is what the queryset would: instances with their related ones, or values. A
    slot takes what the database takes: ids, texts, dates.
    """

    def __init__(self, rows: QuerySet[M, Any]) -> None:
        self.rows = rows
        self._compiled = threading.local()  # a compiler belongs to a connection, that to a thread

    def __call__(self, **values: Any) -> list[Any]:
        """Run the query with these values."""
        compiled = self._compiled_here()
        if compiled.statement is None:
            return []
        compiled.values = [values[name] for name in compiled.slots]
        return list(compiled.rows._iterable_class(compiled.rows))

    @property
    def slots(self) -> frozenset[str]:
        """The values that it takes; others are passed over."""
        compiled = self._compiled_here()
        return frozenset() if compiled.statement is None else frozenset(compiled.slots)

    def _compiled_here(self) -> Any:
        """Return the queryset bound to a compiler of this connection that has written its SQL."""
        compiled, connection = self._compiled, connections[DEFAULT_DB_ALIAS]
        if getattr(compiled, "connection", None) is connection:
            return compiled
        rows = compiled.rows = self.rows.all()
        compiler = rows.query.get_compiler(DEFAULT_DB_ALIAS)
        try:
            sql, params = compiler.as_sql()
        except EmptyResultSet:
            compiled.statement = None
        else:
            compiled.slots = [part.name for part in params if isinstance(part, Slot)]
            statement = Statement(str(rows.model._meta.model_name), _with_constants(sql, params))
            compiled.statement = statement
            vars(compiler)["as_sql"] = lambda *args, **kwargs: (statement.text(), compiled.values)
            vars(compiler)["get_converters"] = _once(compiler.get_converters)  # of the same columns
            vars(rows.query)["get_compiler"] = lambda *args, **kwargs: compiler
        compiled.connection = connection
        return compiled


def _once(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that gives what it gave the first time."""
    made: list[Any] = []

    def give(*args: Any) -> Any:
        if not made:
            made.append(make(*args))
        return made[0]

    return give


def sql_with(rows: QuerySet[Any, Any], places: Mapping[str, str]) -> tuple[str, frozenset[str]]:
    """Return the SQL of a queryset whose slots are read from elsewhere, and which it has.

    ``places`` gives an expression of the surrounding statement for each slot. Raises
    EmptyResultSet for a queryset that never has rows.
    """
    sql, params = rows.query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    slots = [part.name for part in params if isinstance(part, Slot)]
    remaining = iter(slots)
    written = _PLACE.sub(
        lambda place: f"({places[next(remaining)]})" if place[0] == "%s" else place[0],
        _with_constants(sql, params),
    )
    return written, frozenset(slots)


def _with_constants(sql: str, params: Sequence[Any]) -> str:
    """Write into the SQL every value that is no slot, as the driver would."""
    connection = connections[DEFAULT_DB_ALIAS]
    connection.ensure_connection()
    values = iter(params)
    with connection.connection.cursor() as cursor:

        def value_of(place: re.Match[str]) -> str:
            value = next(values) if place[0] == "%s" else None
            if value is None or isinstance(value, Slot):
                return place[0]
            return cursor.mogrify("%s", [value]).decode().replace("%", "%%")

        return _PLACE.sub(value_of, sql)
