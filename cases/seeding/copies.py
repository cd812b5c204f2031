"""Cases by the million, made by the database of cases that have their whole histories.

A copy is every ended case there is, so many days earlier that no day is met twice, with its orders
and field tasks; and those that are open again, as they are, with their clocks. Copies have no
events, texts, words to be found by, or stopped clocks: what is measured on them is finding open
cases and adding them up among very many, not what a single one tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models

from cases.models import ApprovalRequest, Case, CaseClock, FieldTask, SubOrder
from common.owner import owner_cursor

OF_ENDED: tuple[type[models.Model], ...] = (SubOrder, FieldTask)
OF_OPEN = (*OF_ENDED, ApprovalRequest, CaseClock)
COPIED = tuple(model._meta.db_table for model in (Case, *OF_OPEN))
KEYS = {"case_id": Case, "sub_order_id": SubOrder}  # of what is copied, too
MASTER = (  # where it is copied with what was merged into it
    "(SELECT m.id + {offset} FROM cases_case AS m"
    " WHERE m.id = cases_case.master_id AND m.is_open = cases_case.is_open)"
)
# A day's numbers have five digits, and no day has twenty thousand cases.
NUMBER = "to_char(to_date(left(number, 8), 'YYYYMMDD') - {days}, 'YYYYMMDD') || substr(number, 9)"
NUMBER_AGAIN = "left(number, 8) || substr(number, 9)::int + {again} * 20000"
MOST_AGAIN = 4
UNTOLD = {"history_head": "''", "history_length": "0"}


def cases_multiply(*, until: int, open_until: int) -> int:
    """Copy cases until there are at least so many, and so many open; returns how many were added.

    The oldest copy comes before the newer ones, as in a city's life. All or nothing, as the
    tables' owner; their foreign keys are lifted meanwhile (``common.lifted_keys``).
    """
    times = Case.objects.aggregate(first=models.Min("reported_at"), last=models.Max("reported_at"))
    days = (times["last"] - times["first"]).days + 1
    total, opened = Case.objects.count(), Case.objects.filter(is_open=True).count()
    again = min(-(-max(open_until - opened, 0) // opened), MOST_AGAIN)
    copies = -(-max(until - total - again * opened, 0) // (total - opened))
    with owner_cursor() as owner:
        owner.execute("SET synchronous_commit = off")
        owner.execute("BEGIN")
        owner.execute("ALTER TABLE cases_case DISABLE TRIGGER cases_words_of_new")
        ids = {model: _last_id(owner, model) for model in (Case, *OF_OPEN)}
        added = 0
        for place in range(1, again + 1):
            number = NUMBER_AGAIN.format(again=place)
            added += _Copy(owner, ids, place, 0).add("is_open", number, OF_OPEN)
        for place, copy in enumerate(range(copies, 0, -1), again + 1):
            number = NUMBER.format(days=copy * days)
            added += _Copy(owner, ids, place, copy * days).add("NOT is_open", number, OF_ENDED)
        for model in ids:
            owner.execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)",
                [model._meta.db_table, _last_id(owner, model)],
            )
        # Where an open case stands in the table is where its last act wrote it: near the end.
        owner.execute("UPDATE cases_case SET version = version WHERE is_open")
        owner.execute("ALTER TABLE cases_case ENABLE TRIGGER cases_words_of_new")
        owner.execute("COMMIT")
    return added


def _last_id(cursor: Any, model: type[models.Model]) -> int:
    cursor.execute(f"SELECT coalesce(max(id), 1) FROM {model._meta.db_table}")  # noqa: S608
    return int(cursor.fetchone()[0])


@dataclass(frozen=True)
class _Copy:
    """One copy: ``place`` sets its ids apart, and it is so many days earlier."""

    cursor: Any
    ids: Mapping[type[models.Model], int]  # the last ones of what is copied
    place: int
    days: int

    def add(self, which: str, number: str, parts: Iterable[type[models.Model]]) -> int:
        """Copy cases with parts of theirs; returns how many cases."""
        which = f"id <= {self.ids[Case]} AND {which}"
        master = MASTER.format(offset=self.place * self.ids[Case])
        added = self._insert(Case, which, {"number": number, "master_id": master, **UNTOLD})
        for model in parts:
            cases = f"SELECT id FROM cases_case WHERE {which}"  # noqa: S608  ours
            self._insert(model, f"case_id IN ({cases})", {})
        return added

    def _insert(self, model: type[models.Model], which: str, other: Mapping[str, str]) -> int:
        values = {column: self._value(model, column) for column in _columns(model)} | other
        self.cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({', '.join(values)})"  # noqa: S608  ours
            f" SELECT {', '.join(values.values())} FROM {model._meta.db_table} WHERE {which}"
        )
        return int(self.cursor.rowcount)

    def _value(self, model: type[models.Model], column: str) -> str:
        key = model if column == "id" else KEYS.get(column)
        if key is not None:
            return f"{column} + {self.place}::bigint * {self.ids[key]}"
        is_moment = isinstance(_columns(model)[column], models.DateTimeField)
        return f"{column} - make_interval(days => {self.days})" if is_moment else column


def _columns(model: type[models.Model]) -> dict[str, Any]:
    return {str(field.column): field for field in model._meta.concrete_fields}
