"""The atlas of a community as one PDF: cover, overview, totals, map sheets, ledger."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import shapely
from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language, gettext, pgettext

from accounts.models import Organisation
from common.templatetags.ui import named
from common.typesetting import typeset_pdf
from components.atlas.drawing import View, overview_map, sheet_map
from components.atlas.ledger import COLUMNS, STYLES, ledger_pages
from components.atlas.selectors import (
    SURROUNDINGS_M,
    BaseShape,
    Cell,
    Ground,
    Item,
    base_of,
    cells_of,
    ground_of,
    items_of,
)
from components.atlas.sheets import (
    PAPERS,
    SCALES,
    Box,
    Paper,
    Sheet,
    bar_metres,
    neighbours,
    overview_box,
    scale_for,
    sheets_over,
)
from components.atlas.symbols import look_of, symbol_svg
from components.documents.services import Part, Progress
from components.models import CaseType, Component, Document
from grid.models import Area

TEMPLATE = Path(__file__).with_name("atlas.typ")
COVER_MM = (150.0, 150.0)
BAR_ROOM_MM = 46
FEW = 10  # components for which crowding is no question


@dataclass(frozen=True)
class Survey:
    """Everything an atlas says of a community, read once."""

    ground: Ground
    cells: Sequence[Cell]
    base: Sequence[BaseShape]
    items: Sequence[Item]
    types: Mapping[int, CaseType]
    bodies: Mapping[int, Organisation]

    @cached_property
    def numbered(self) -> list[tuple[int, Item, str]]:
        """Components with their number in the ledger and their type's code."""
        return [
            (number, item, self.types[item.type_id].code)
            for number, item in enumerate(self.items, start=1)
        ]

    @cached_property
    def _shapes(self) -> shapely.STRtree:
        return shapely.STRtree([item.shape for item in self.items])

    def is_empty(self, box: Box) -> bool:
        """Tell whether nothing stands in a box or reaches into it."""
        return not len(self._shapes.query(_rectangle(box), predicate="intersects"))

    def inside(self, box: Box) -> list[tuple[int, Item, str]]:
        """Return what stands in a box or reaches into it, in the order of the ledger."""
        found = self._shapes.query(_rectangle(box), predicate="intersects")
        return [self.numbered[index] for index in sorted(found)]

    @cached_property
    def _base_shapes(self) -> shapely.STRtree:
        return shapely.STRtree([each.shape for each in self.base])

    def around(self, box: Box) -> list[BaseShape]:
        """Return what the base map may show in a box, in its order."""
        return [self.base[index] for index in sorted(self._base_shapes.query(_rectangle(box)))]

    @cached_property
    def by_type(self) -> Counter[int]:
        """How many components there are of each type."""
        return Counter(item.type_id for item in self.items)

    @property
    def spacing_m(self) -> float:
        """How far the nearest neighbour is for the more spacious half of the components."""
        if len(self.items) < FEW:
            return math.inf
        points = shapely.points([(item.x, item.y) for item in self.items])
        nearest = shapely.STRtree(points).query_nearest(
            points, exclusive=True, all_matches=False, return_distance=True
        )
        distances = sorted(nearest[1])
        return float(distances[len(distances) // 2])


def _rectangle(box: Box) -> shapely.Geometry:
    return shapely.box(box.west, box.south, box.east, box.north)


def survey_of(community: Area, on: date) -> Survey:
    """Read a community as it is registered on a day: seven queries however large it is."""
    ground = ground_of(community)
    items = items_of(ground)
    types = CaseType.objects.select_related("type_class").in_bulk({i.type_id for i in items})
    bodies = {i for item in items for i in (item.competent_id, item.owner_id, item.maintainer_id)}
    frame = ground.bounds.widened(max(SURROUNDINGS_M, ground.bounds.width, ground.bounds.height))
    return Survey(
        ground,
        cells_of(ground, on),
        base_of(ground, frame),
        items,
        types,
        Organisation.objects.in_bulk(bodies - {None}),
    )


def atlas_pdf(community: Area, options: Mapping[str, Any], now: datetime) -> bytes:
    """Return the atlas of a community on A3 or A4, at a given scale or the one that suits it."""
    survey = survey_of(community, timezone.localdate(now))
    data, pictures = atlas_data(survey, options, now)
    return typeset_pdf(TEMPLATE, data, pictures)


def make_atlas(document: Document, progress: Progress, now: datetime) -> Iterator[Part]:
    """Yield the atlas of a community, or of each community of a street."""
    area = Area.objects.get(pk=document.options["area"])
    if area.level == Area.Level.COMMUNITY:
        communities = [area]
    else:
        on = timezone.localdate(now)
        below = Area.objects.valid_on(on).filter(parent=area, level=Area.Level.COMMUNITY)
        communities = list(below.order_by("code"))
    progress.total(len(communities))
    for community in communities:
        content = atlas_pdf(community, document.options, now)
        yield Part(f"{community.code}-{named(community)}.pdf".replace("/", "-"), content)
        progress.advance()


def atlas_data(
    survey: Survey, options: Mapping[str, Any], now: datetime
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what the template sets, and the maps by file name, in the language of now."""
    paper = paper_of(options)
    scale = scale_of(options) or scale_for(
        survey.spacing_m, lambda each: len(printed_sheets(survey, each, paper))
    )
    sheets = printed_sheets(survey, scale, paper)
    style = STYLES[paper.key]
    maps = _Maps(survey, paper, scale, sheets)
    on_sheet = {
        item.id: sheet.name
        for sheet in reversed(sheets)
        for _number, item, _code in survey.inside(sheet.box)
        if maps.view(sheet).sees(item.x, item.y)
    }
    data = {
        "language": "en" if is_english() else "zh",
        "paper": {
            "name": paper.key,
            "width": paper.width,
            "map-width": paper.map_width,
            "map-height": paper.map_height,
        },
        "words": words(),
        "title": title_of(survey.ground.community),
        "community": named(survey.ground.community),
        "made": f"{timezone.localtime(now):%Y-%m-%d}",
        "facts": facts(survey, scale, sheets, now),
        "classes": class_totals(survey),
        "types": type_totals(survey),
        "bodies": body_totals(survey),
        "overview": maps.overview(),
        "sheets": [maps.sheet(sheet) for sheet in sheets],
        "ledger": ledger(survey, on_sheet, paper),
        "ledger-style": {
            "columns": COLUMNS,
            "widths": style.widths,
            "size": style.size_pt,
            "line": style.line_mm,
            "height": style.height_mm,
        },
    }
    return data, maps.pictures


def is_english() -> bool:
    """Tell whether the document is made for an English reader."""
    return (get_language() or "").startswith("en")


def paper_of(options: Mapping[str, Any]) -> Paper:
    """Return the paper somebody chose, A3 where none was."""
    return PAPERS.get(str(options.get("paper")), PAPERS["a3"])


def scale_of(options: Mapping[str, Any]) -> int | None:
    """Return the scale somebody chose, None for the one that suits."""
    return next((each for each in SCALES if str(each) == str(options.get("scale"))), None)


def printed_sheets(survey: Survey, scale: int, paper: Paper) -> list[Sheet]:
    """Return the sheets on which something stands; the others are left out."""
    sheets = sheets_over(survey.ground.bounds, scale, paper)
    return [sheet for sheet in sheets if not survey.is_empty(sheet.box)]


class _Maps:
    """Draws the maps of one atlas and keeps them by file name."""

    def __init__(self, survey: Survey, paper: Paper, scale: int, sheets: Sequence[Sheet]) -> None:
        self.survey, self.paper, self.scale, self.sheets = survey, paper, scale, sheets
        self.pictures: dict[str, str] = {}

    def view(self, sheet: Sheet) -> View:
        """Return the part of the ground a sheet shows."""
        return View(sheet.box, self.scale)

    def overview(self) -> dict[str, Any]:
        """Draw the whole community: for the cover without, for its page with frames."""
        survey = self.survey
        scale, box = overview_box(survey.ground.bounds, *COVER_MM)
        view = View(box, scale)
        self.pictures["cover.svg"] = overview_map(view, survey.ground, survey.base, [], [])
        scale, box = overview_box(survey.ground.bounds, self.paper.map_width, self.paper.map_height)
        view = View(box, scale)
        self.pictures["overview.svg"] = overview_map(
            view, survey.ground, survey.base, survey.cells, survey.numbered, self.sheets
        )
        return {"file": "overview.svg", "scale": scale, "bar": _bar(scale)}

    def sheet(self, sheet: Sheet) -> dict[str, Any]:
        """Draw one sheet; return what stands beside it."""
        survey, view = self.survey, self.view(sheet)
        file = f"sheet-{sheet.name}.svg"
        here = survey.inside(sheet.box)
        self.pictures[file] = sheet_map(
            view, survey.ground, survey.around(sheet.box), survey.cells, here
        )
        counted = Counter(item.type_id for _number, item, _code in here)
        return {
            "file": file,
            "name": sheet.name,
            "scale": self.scale,
            "bar": _bar(self.scale),
            "neighbours": neighbours(sheet, self.sheets),
            "count": len(here),
            "types": [
                _type_row(survey.types[type_id], counted[type_id])
                for type_id in sorted(counted, key=lambda pk: survey.types[pk].code)
            ],
            "key": [
                {"row": each.row, "column": each.column, "here": each == sheet}
                for each in self.sheets
            ],
        }


def _bar(scale: int) -> dict[str, float]:
    metres = bar_metres(scale, BAR_ROOM_MM)
    return {"metres": metres, "length": metres * 1000 / scale}


def _type_row(case_type: CaseType, count: int) -> dict[str, Any]:
    return {
        "symbol": symbol_svg(case_type.code),
        "code": case_type.code[1:],
        "name": named(case_type),
        "count": count,
    }


def title_of(community: Area) -> str:
    """Return what an atlas is called."""
    return gettext("Component atlas of %(community)s") % {"community": named(community)}


def facts(
    survey: Survey, scale: int, sheets: Sequence[Sheet], now: datetime
) -> list[tuple[str, str]]:
    """Return what the cover says."""
    community = survey.ground.community
    street = community.parent
    district = street.parent if street else None
    return [
        (pgettext("atlas", "City"), named(community.city)),
        (pgettext("atlas", "District"), named(district)),
        (pgettext("atlas", "Street"), named(street)),
        (pgettext("atlas", "Community"), f"{named(community)} ({community.code})"),
        (pgettext("atlas", "Area"), f"{survey.ground.area_m2 / 1e6:.2f} km²"),
        (gettext("Unit grid cells"), str(len(survey.cells))),
        (
            gettext("Components"),
            gettext("%(count)d of %(types)d types")
            % {"count": len(survey.items), "types": len(survey.by_type)},
        ),
        (gettext("Map sheets"), f"{len(sheets)} · 1:{scale}"),
        (gettext("As registered on"), f"{timezone.localtime(now):%Y-%m-%d}"),
    ]


def class_totals(survey: Survey) -> list[dict[str, Any]]:
    """Return the number of components of each class."""
    counted: Counter[str] = Counter()
    names: dict[str, str] = {}
    for type_id, count in survey.by_type.items():
        of = survey.types[type_id].type_class
        counted[of.code] += count
        names[of.code] = named(of)
    return [
        {"code": code, "name": names[code], "count": counted[code], "colour": look_of(code).colour}
        for code in sorted(counted)
    ]


def type_totals(survey: Survey) -> list[dict[str, Any]]:
    """Return each type with its number, and how many are damaged or lost."""
    states = Counter((item.type_id, item.state) for item in survey.items)
    return [
        {
            **_type_row(case_type, survey.by_type[case_type.pk]),
            "class": named(case_type.type_class),
            "damaged": states[case_type.pk, Component.State.DAMAGED],
            "lost": states[case_type.pk, Component.State.LOST],
        }
        for case_type in sorted(survey.types.values(), key=lambda each: each.code)
    ]


def body_totals(survey: Survey) -> list[dict[str, Any]]:
    """Return each body with the number of components it is competent for, owns and maintains."""
    competent = Counter(item.competent_id for item in survey.items)
    owned = Counter(item.owner_id for item in survey.items)
    maintained = Counter(item.maintainer_id for item in survey.items)
    rows = [
        {
            "name": named(body),
            "competent": competent[pk],
            "owned": owned[pk],
            "maintained": maintained[pk],
        }
        for pk, body in survey.bodies.items()
    ]
    return sorted(rows, key=lambda row: (-row["maintained"], -row["competent"], row["name"]))


def ledger(survey: Survey, on_sheet: Mapping[int, str], paper: Paper) -> list[dict[str, Any]]:
    """Return the ledger's pages by class."""
    names = {pk: named(body) for pk, body in survey.bodies.items()}
    groups: dict[str, list[Sequence[str]]] = {}
    classes = {each.type_class.code: each.type_class for each in survey.types.values()}
    for number, item, code in survey.numbered:
        type_name = named(survey.types[item.type_id])
        sheet = on_sheet.get(item.id, "–")
        groups.setdefault(code[1:3], []).append(_row(number, item, type_name, sheet, names))
    return [
        {
            "code": code,
            "name": named(classes[code]),
            "colour": look_of(code).colour,
            "count": len(groups[code]),
            "pages": list(ledger_pages(groups[code], paper)),
        }
        for code in sorted(groups)
    ]


def _row(
    number: int, item: Item, type_name: str, sheet: str, bodies: Mapping[int, str]
) -> tuple[str, ...]:
    """Return number, code, type, place, cell, sheet, state, and the three bodies."""
    place = " ".join(dict.fromkeys(part for part in (item.address, item.name) if part))
    three = (item.competent_id, item.owner_id, item.maintainer_id)
    return (
        str(number),
        item.code,
        type_name,
        place,
        item.cell_code[-6:],
        sheet,
        str(Component.State(item.state).label),
        *(bodies.get(body or 0, "–") for body in three),
    )


def words() -> dict[str, str]:
    """Return the words of the template."""
    return {
        "city": gettext("City management"),
        "overview": gettext("Overview"),
        "totals": gettext("Totals"),
        "sheet": pgettext("atlas", "Sheet"),
        "ledger": gettext("Ledger"),
        "legend": gettext("Legend"),
        "contents": gettext("Contents"),
        "key": gettext("Sheets"),
        "scale": gettext("Scale"),
        "north": pgettext("compass", "N"),
        "components": gettext("Components"),
        "damaged": gettext("Damaged"),
        "lost": gettext("Lost"),
        "cell": gettext("Unit grid cell"),
        "border": gettext("Border of the community"),
        "number": pgettext("atlas", "No."),
        "code": gettext("Identification code"),
        "type": gettext("Type"),
        "class": pgettext("atlas", "Class"),
        "place": gettext("Place"),
        "state": gettext("State"),
        "count": pgettext("atlas", "Number"),
        "total": gettext("Total"),
        "competent": gettext("Competent body"),
        "owner": pgettext("atlas", "Owner"),
        "maintainer": pgettext("atlas", "Maintainer"),
        "body": gettext("Body"),
        "by-type": gettext("By type"),
        "by-body": gettext("By body"),
        "none": gettext("No component is registered here."),
        "more": gettext("… and others: see the totals"),
        "attribution": gettext("Base map © OpenStreetMap contributors · borders are schematic"),
        "datum": gettext("CGCS2000, EPSG:%(srid)d · grid north")
        % {"srid": settings.GEO_METRIC_SRID},
        "note-empty": gettext("Sheets without components are not printed."),
        "edge-note": gettext("Small figures are the numbers of the ledger."),
    }
