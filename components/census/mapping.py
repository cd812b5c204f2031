"""Which column means what: the fields there are, suggestions from headers, checks of a mapping.

A mapping is plain data, saved in a profile and copied into every survey:
``columns`` {field: header}, ``constants`` {field: text}, ``values`` {field: {text: text}},
``attributes`` {attribute: header}. Constants stand in where a column is missing or empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from common.errors import DomainError
from components.census.reading.layout import clean
from components.census.workflow import Datum

FIELDS = {
    "type": gettext_lazy("Type"),
    "code": gettext_lazy("Identification code"),
    "key": gettext_lazy("Key in the source"),
    "name": pgettext_lazy("of a component", "Name"),
    "competent_body": gettext_lazy("Competent body"),
    "owner": gettext_lazy("Owner"),
    "maintainer": gettext_lazy("Maintainer"),
    "state": gettext_lazy("State"),
    "address": gettext_lazy("Address"),
    "accuracy": gettext_lazy("Positional accuracy"),
    "surveyed_date": gettext_lazy("Surveyed on"),
    "installed_date": gettext_lazy("Installed on"),
    "longitude": gettext_lazy("Longitude, or x (east)"),
    "latitude": gettext_lazy("Latitude, or y (north)"),
    "shape": gettext_lazy("Shape (WKT)"),
}
PLACE_FIELDS = ("longitude", "latitude", "shape")
# Fields whose texts are understood as words: each different text is looked up once.
WORD_FIELDS = (
    "type", "competent_body", "owner", "maintainer", "state", "accuracy", "surveyed_date",
    "installed_date",
)  # fmt: skip
PLAIN_FIELDS = ("code", "key", "name", "address")
LENGTHS = {"name": 80, "address": 200, "key": 200}

# What headers are called, without punctuation, spaces, brackets and case.
NAMES = {
    "type": (
        "类型 部件名称 部件类型 小类 小类名称 小类代码 部件类别 类别 部件代码 "
        "type typecode typename"
    ),
    "code": "标识码 部件标识码 部件编码 识别码 identificationcode componentcode",
    "key": "编号 序号 原编号 资产编号 osm编号 osmid objectid id fid treeid assetid key",
    "name": "名称 设施名 设施名称 站名 name",
    "competent_body": "主管部门 主管单位 主管 competentbody authority",
    "owner": "权属单位 权属部门 权属 产权单位 owner",
    "maintainer": "养护单位 养护部门 养护 维护单位 经营单位 maintainer",
    "state": "状态 部件状态 完好状态 state status condition",
    "address": "地址 位置 位置描述 所在位置 详细地址 address location",
    "accuracy": "精度 定位精度 位置精度 accuracy",
    "surveyed_date": (
        "普查日期 调查日期 采集日期 普查时间 采集时间 surveydate surveyedon surveyeddate"
    ),
    "installed_date": (
        "安装日期 建设日期 建成日期 投用日期 "
        "dateplanted planted installdate installedon installeddate"
    ),
    "longitude": "经度 lon lng long longitude x x坐标 横坐标 东坐标",
    "latitude": "纬度 lat latitude y y坐标 纵坐标 北坐标",
    "shape": "wkt 图形 几何 geometry geom shape",
}
_FIELD_OF = {name: field for field, names in NAMES.items() for name in names.split()}
_BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]")
_NOISE = re.compile(r"[\W_]+")
_DATUMS = (
    (re.compile(r"gcj|火星|高德|腾讯", re.IGNORECASE), Datum.GCJ02),
    (re.compile(r"bd-?0?9|百度", re.IGNORECASE), Datum.BD09),
    (re.compile(r"wgs|gps", re.IGNORECASE), Datum.WGS84),
    (re.compile(r"cgcs|2000", re.IGNORECASE), Datum.CGCS2000),
)


def mapping_suggested(headers: Sequence[str], attributes: Iterable[str] = ()) -> dict[str, Any]:
    """Return a mapping by what the headers are called; a field takes the first that fits."""
    columns: dict[str, str] = {}
    known = {_plain(name): name for name in attributes}
    of_attributes: dict[str, str] = {}
    for header in headers:
        field = _FIELD_OF.get(_plain(header))
        attribute = known.get(_plain(header))
        if field and field not in columns:
            columns[field] = header
        elif attribute and attribute not in of_attributes:
            of_attributes[attribute] = header
    return {"columns": columns, "constants": {}, "values": {}, "attributes": of_attributes}


def datum_suggested(headers: Sequence[str], *, has_shapes: bool) -> Datum:
    """Return the datum that headers name; shapes have the file's own, numbers else WGS-84."""
    if has_shapes:
        return Datum.FILE
    places = [header for header in headers if _FIELD_OF.get(_plain(header)) in PLACE_FIELDS]
    for header in places:
        for pattern, datum in _DATUMS:
            if pattern.search(header):
                return datum
    return Datum.WGS84


def mapping_checked(
    mapping: Mapping[str, Any], headers: Sequence[str], *, has_shapes: bool
) -> dict[str, Any]:
    """Return a mapping as it is stored, without what is empty.

    Raise DomainError ``invalid`` for a column the file has not, an unknown field, or when a type or
    a place is missing.
    """
    columns = _texts(mapping.get("columns"), FIELDS, "columns")
    constants = _texts(mapping.get("constants"), FIELDS, "constants")
    attributes = _texts(mapping.get("attributes"), None, "attributes")
    values = mapping.get("values") or {}
    if not isinstance(values, Mapping) or values.keys() - FIELDS.keys():
        raise _wrong("values", _("The list of values cannot be used."))
    values = {field: _texts(texts, None, "values") for field, texts in values.items() if texts}
    for header in (*columns.values(), *attributes.values()):
        if header not in headers:
            raise _wrong(
                "columns", _("There is no column “%(name)s” in this file.") % {"name": header[:80]}
            )
    if "type" not in columns and "type" not in constants:
        raise _wrong("type", _("Say which column holds the type, or which type all rows are."))
    has_pair = "longitude" in columns and "latitude" in columns
    if not (has_shapes or has_pair or "shape" in columns):
        raise _wrong("longitude", _("Say which columns hold longitude and latitude."))
    return {
        "columns": columns,
        "constants": constants,
        "values": values,
        "attributes": attributes,
    }


def _texts(given: Any, known: Mapping[str, Any] | None, field: str) -> dict[str, str]:
    if not isinstance(given or {}, Mapping):
        raise _wrong(field, _("The mapping cannot be used."))
    texts = {clean(name): clean(text) for name, text in (given or {}).items()}
    if known is not None and (unknown := texts.keys() - known.keys()):
        raise _wrong(
            field,
            _("There is no field “%(name)s”.") % {"name": sorted(unknown)[0][:40]},
        )
    return {name: text for name, text in texts.items() if text}


def _plain(text: str) -> str:
    """Return a name without brackets, punctuation, spaces and case."""
    return _NOISE.sub("", _BRACKETS.sub("", text)).lower() or _NOISE.sub("", text).lower()


def _wrong(field: str, sentence: str) -> DomainError:
    return DomainError("invalid", sentence, {field: [sentence]})
