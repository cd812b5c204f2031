"""Exports of cases: exactly what the list's filter keeps, by the machinery of all exports.

Names and numbers of reporters are not among the columns: who may see them opens the case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User
from accounts.roles import EXPORT_REGISTER, may
from cases.api.filters import FILTERS, filter_cases
from cases.choices import filter_choices
from cases.models import Case, Source, Urgency
from cases.workflow import STATE_LABELS
from common import clock
from common.durations import limit_text
from common.templatetags.ui import is_english
from components.register.exports.subjects import Subject, export_subject_add

CHUNK = 2_000
PARAMETERS = (*FILTERS, "q")

# Label, path. A path that ends in a name takes the reader's language.
COLUMNS: tuple[tuple[str | Promise, str], ...] = (
    (_("Number"), "number"),
    (_("State"), "state"),
    (_("Source"), "source"),
    (_("Type code"), "type__code"),
    (_("Type"), "type__name"),
    (_("Description"), "description"),
    (_("Component code"), "component__code"),
    (_("District"), "district__name"),
    (_("Street"), "street__name"),
    (_("Community"), "community__name"),
    (_("Cell"), "cell_code"),
    (_("Address"), "address"),
    (_("Urgency"), "urgency"),
    (_("Desk"), "desk__name"),
    (_("Department"), "department__name"),
    (_("Reported"), "reported_at"),
    (_("Deadline"), "due_at"),
    (_("Handled"), "handled_at"),
    (pgettext_lazy("case", "Ended"), "ended_at"),
    (_("Limit"), "limit_value"),
    (_("Reworks"), "rework_count"),
)
PATHS = (*(path for _label, path in COLUMNS), "limit_unit")
WORDS: dict[str, Mapping[str, Any]] = {
    "state": STATE_LABELS,
    "source": dict(Source.choices),
    "urgency": dict(Urgency.choices),
}


def header() -> list[str]:
    """Return the labels of the columns in the language in force."""
    return [str(label) for label, _path in COLUMNS]


def case_rows(cases: QuerySet, _geometry: str = "") -> Iterator[tuple[Any, ...]]:
    """Yield a tuple a case, newest first; call it inside a transaction."""
    english = is_english()
    paths = [
        f"{path}_en" if english and path.startswith(("type__n", "desk__", "department__")) else path
        for path in PATHS
    ]
    found = cases.order_by("-reported_at", "-pk").values_list(*paths)
    for row in found.iterator(chunk_size=CHUNK):
        yield _cells(row)


def _cells(row: tuple[Any, ...]) -> tuple[Any, ...]:
    cells = dict(zip(PATHS, row, strict=True))
    for name, labels in WORDS.items():
        cells[name] = str(labels.get(cells[name], cells[name]))
    if cells["limit_value"] is not None:
        cells["limit_value"] = limit_text(cells["limit_value"], cells["limit_unit"])
    del cells["limit_unit"]
    return tuple(_plain(cell) for cell in cells.values())


def _plain(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return f"{timezone.localtime(cell):%Y-%m-%d %H:%M}"
    return "" if cell is None else cell


def narrow(user: User, query: Mapping[str, str]) -> tuple[QuerySet, dict[str, str]]:
    """Return the cases of a filter that a person may see, and the filter as it is kept."""
    kept = {name: query[name] for name in PARAMETERS if query.get(name)}
    cases = Case.objects.visible_to(user)
    return filter_cases(cases, QueryDict(urlencode(kept)), clock.now(), user=user), kept


def filter_in_words(user: User, query: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the filter as the list names it."""
    known = {
        name: (label, dict(options))
        for name, label, options in filter_choices(user, timezone.localdate(clock.now()))
    }
    words = []
    for name, raw in query.items():
        label, options = known.get(name, ("", {}))
        texts = [str(options.get(value, value)) for value in raw.split(",")]
        words.append((str(label), ", ".join(texts)))
    return words


def register() -> None:
    """Let cases be exported."""
    export_subject_add(
        Subject(
            key="cases",
            label=_("Cases"),
            formats=("csv", "xlsx"),
            may=lambda user: may(user.roles, EXPORT_REGISTER),
            narrow=narrow,
            header=header,
            rows=case_rows,
            words=filter_in_words,
            parameters=lambda: PARAMETERS,
        )
    )
