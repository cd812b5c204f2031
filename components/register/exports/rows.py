"""The columns of an export, and its rows as the database streams them.

One server-side cursor in one transaction: what is written is what the filter held at one moment,
and memory does not grow with the register.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db.models import BinaryField, CharField, F, FloatField, Func, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common.templatetags.ui import is_english
from components.models import Component

CHUNK = 5_000
ORDER = ("community_id", "type_id", "pk")

# Key, label, path. A path with names takes the reader's language; codes follow names.
COLUMNS: tuple[tuple[str, str | Promise, str], ...] = (
    ("code", _("identification code"), "code"),
    ("class", _("class"), "type__type_class__name"),
    ("type_code", _("type code"), "type__code"),
    ("type", _("type"), "type__name"),
    ("name", _("name"), "name"),
    ("state", _("state"), "state"),
    ("competent_body", _("competent body"), "competent_body__name"),
    ("owner", _("owner"), "owner__name"),
    ("maintainer", _("maintainer"), "maintainer__name"),
    ("district", _("district"), "community__parent__parent__name"),
    ("street", _("street"), "community__parent__name"),
    ("community", _("community"), "community__name"),
    ("community_code", _("community code"), "community__code"),
    ("cell", _("cell"), "cell__code"),
    ("address", _("address"), "address"),
    ("longitude", _("longitude"), "longitude"),
    ("latitude", _("latitude"), "latitude"),
    ("accuracy", _("positional accuracy"), "accuracy"),
    ("source", _("source"), "source"),
    ("surveyed_date", _("surveyed on"), "surveyed_date"),
    ("installed_date", _("installed on"), "installed_date"),
    ("retired_date", _("retired on"), "retired_date"),
    ("ending", _("why it ended"), "ending"),
    ("successor", _("stands there now"), "successor__code"),
    ("attributes", _("attributes"), "attributes_text"),
)
KEYS = tuple(key for key, _label, _path in COLUMNS)
LABELLED = {"state": Component.State, "ending": Component.Ending}


def header() -> list[str]:
    """Return the labels of the columns in the language in force."""
    return [str(label) for _key, label, _path in COLUMNS]


def export_rows(rows: QuerySet[Component], geometry: str = "") -> Iterator[tuple[Any, ...]]:
    """Yield a tuple a component: the columns, and its geometry last where it is wanted.

    ``geometry`` is "", "json" (GeoJSON text) or "wkb". Call it inside a transaction.
    """
    paths = [_in_language(path) for _key, _label, path in COLUMNS]
    computed: dict[str, Any] = {
        "longitude": Func(F("point"), function="ST_X", output_field=FloatField()),
        "latitude": Func(F("point"), function="ST_Y", output_field=FloatField()),
        "attributes_text": Cast("attributes", TextField()),
    }
    if geometry:
        computed["shape"] = _SHAPES[geometry]
        paths.append("shape")
    found = rows.annotate(**computed).order_by(*ORDER).values_list(*paths)
    words = {
        KEYS.index(key): {value: str(label) for value, label in labels.choices}
        for key, labels in LABELLED.items()
    }
    for row in found.iterator(chunk_size=CHUNK):
        cells = [_plain(cell) for cell in row]
        for place, labels in words.items():
            cells[place] = labels.get(cells[place], "")
        yield tuple(cells)


_SHAPES = {
    "json": Func(F("geometry"), 7, function="ST_AsGeoJSON", output_field=CharField()),
    "wkb": Func(F("geometry"), function="ST_AsBinary", output_field=BinaryField()),
}


def _in_language(path: str) -> str:
    has_english = path.endswith("__name") and not path.startswith("community")
    return f"{path}_en" if has_english and is_english() else path


def _plain(cell: Any) -> Any:
    if isinstance(cell, date):
        return cell.isoformat()
    return "" if cell is None or cell == "{}" else cell
