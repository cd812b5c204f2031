"""Maps of an atlas as SVG in millimetres: base map, cells, components by class, numbers, names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import shapely

from components.atlas.selectors import BaseShape, Cell, Ground, Item
from components.atlas.sheets import Box, Sheet
from components.atlas.symbols import FONT, RADIUS_MM, STYLE, look_of, symbol

# Widths in metres on the ground, so that a road is as wide as it is; with a least width on paper.
ROAD_M = {
    "motorway": 18, "trunk": 18, "primary": 16, "secondary": 13, "tertiary": 10,
    "motorway_link": 8, "trunk_link": 8, "primary_link": 7, "secondary_link": 7,
    "tertiary_link": 6, "residential": 6, "unclassified": 6, "living_street": 5, "pedestrian": 4,
}  # fmt: skip
LEAST_ROAD_MM = 0.45
FILLS = {"built": "#f3f1ec", "green": "#dcebdd", "water": "#c9dff0", "building": "#dedbd4"}
FIELDS = frozenset({"farm", "meadow", "vineyard", "allotments", "heath", "scrub"})
ROAD_NAME_MM, WATER_NAME_MM, NUMBER_MM, CELL_MM = 2.5, 2.5, 1.45, 2.3
SHORTEST_NAMED_MM = 14
# Where a symbol may stand aside: its place, then rings around it.
ASIDE = (
    (0.0, 0.0),
    *(
        (radius * math.cos(math.tau * step / steps), radius * math.sin(math.tau * step / steps))
        for radius, steps in ((3.6, 8), (5.2, 12), (7, 16), (9, 20), (11, 24))
        for step in range(steps)
    ),
)

MAP_STYLE = f"""
{STYLE}
.casing {{ fill: none; stroke: #c9c4ba; stroke-linecap: round; stroke-linejoin: round }}
.road {{ fill: none; stroke: #fff; stroke-linecap: round; stroke-linejoin: round }}
.cell {{ fill: none; stroke: #7653d6; stroke-width: .22; stroke-dasharray: 1.4 .7; opacity: .75 }}
.cell-code {{ font: 700 {CELL_MM}px {FONT}; fill: #5a3fb0; text-anchor: middle; stroke: #fff; stroke-width: .5; paint-order: stroke; opacity: .9 }}
.outside {{ fill: #fff; fill-opacity: .55; fill-rule: evenodd }}
.outline {{ fill: none; stroke: #5a3fb0; stroke-width: .7; stroke-dasharray: 4 1.2 .8 1.2 }}
.name {{ font: 500 {ROAD_NAME_MM}px {FONT}; fill: #4c586a; text-anchor: middle; stroke: #fff; stroke-width: .6; paint-order: stroke }}
.water-name {{ fill: #2d6a99 }}
.number {{ font: 400 {NUMBER_MM}px {FONT}; fill: #141b26; stroke: #fff; stroke-width: .4; paint-order: stroke }}
.leader {{ fill: none; stroke: #4c586a; stroke-width: .18 }}
.foot {{ fill: #222c3a }}
.dot {{ stroke: #fff; stroke-width: .1 }}
.frame {{ fill: none; stroke: #222c3a; stroke-width: .3 }}
.sheet {{ fill: none; stroke: #a3232a; stroke-width: .25 }}
.sheet-name {{ font: 700 4.4px {FONT}; fill: #a3232a; fill-opacity: .8; stroke: #fff; stroke-width: .8; paint-order: stroke }}
"""  # noqa: E501


@dataclass(slots=True)
class Occupied:
    """Which square millimetres of the paper hold a symbol or a name already."""

    taken: set[tuple[int, int]] = field(default_factory=set)

    def take(self, left: float, top: float, right: float, bottom: float) -> None:
        """Mark a rectangle as taken."""
        self.taken.update(self._squares(left, top, right, bottom))

    def is_free(self, left: float, top: float, right: float, bottom: float) -> bool:
        """Tell whether nothing is there."""
        return not any(s in self.taken for s in self._squares(left, top, right, bottom))

    @staticmethod
    def _squares(left: float, top: float, right: float, bottom: float) -> Iterable[tuple[int, int]]:
        # Half millimetres: finer than the smallest name.
        return (
            (x, y)
            for x in range(math.floor(left * 2), math.ceil(right * 2))
            for y in range(math.floor(top * 2), math.ceil(bottom * 2))
        )


@dataclass(frozen=True, slots=True)
class View:
    """A part of the ground on paper."""

    box: Box
    scale: int

    @property
    def width(self) -> float:
        """Millimetres across."""
        return self.box.width * 1000 / self.scale

    @property
    def height(self) -> float:
        """Millimetres down."""
        return self.box.height * 1000 / self.scale

    def millimetres(self, metres: float) -> float:
        """Return a length on paper."""
        return metres * 1000 / self.scale

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return a point on paper."""
        factor = 1000 / self.scale
        return (x - self.box.west) * factor, (self.box.north - y) * factor

    def shown(self, shape: shapely.Geometry) -> shapely.Geometry:
        """Return what is seen of a shape, on paper."""
        box = self.box.widened(self.scale / 200)
        part = shapely.clip_by_rect(shape, box.west, box.south, box.east, box.north)
        corner, factor = (self.box.west, self.box.north), 1000 / self.scale
        return shapely.transform(part, lambda points: (points - corner) * (factor, -factor))

    def sees(self, x: float, y: float) -> bool:
        """Tell whether a point lies in the box."""
        box = self.box
        return box.west <= x <= box.east and box.south <= y <= box.north


def sheet_map(
    view: View,
    ground: Ground,
    base: Sequence[BaseShape],
    cells: Sequence[Cell],
    items: Sequence[tuple[int, Item, str]],
) -> str:
    """Return the map of one sheet; items are (number in the ledger, component, type code)."""
    occupied = Occupied()
    seen = [each for each in items if view.sees(each[1].x, each[1].y)]
    places = places_of(view, seen, occupied)
    parts = [
        *base_parts(view, base),
        *cell_parts(view, cells),
        *border_parts(view, ground),
        *shape_parts(view, items),
        *name_parts(view, base, occupied),
        *cell_codes(view, cells, occupied),
    ]
    parts += leader_parts(view, seen, places)
    parts += [symbol(code, item.state, *places[item.id]) for _number, item, code in seen]
    parts += number_parts(seen, places, occupied)
    return svg(view, parts)


def overview_map(
    view: View,
    ground: Ground,
    base: Sequence[BaseShape],
    cells: Sequence[Cell],
    items: Sequence[tuple[int, Item, str]],
    sheets: Sequence[Sheet] = (),
) -> str:
    """Return the whole community: components as dots, numbered cells, the frames of the sheets."""
    occupied = Occupied()
    parts = [*base_parts(view, base), *cell_parts(view, cells), *border_parts(view, ground)]
    parts += shape_parts(view, items)
    for _number, item, code in items:
        x, y = view.place(item.x, item.y)
        colour = look_of(code[1:3]).colour
        parts.append(f'<circle cx="{x:.2f}" cy="{y:.2f}" r=".6" fill="{colour}" class="dot"/>')
    parts += name_parts(view, base, occupied)
    parts += cell_codes(view, cells, occupied)
    parts += [sheet_frame(view, sheet) for sheet in sheets]
    return svg(view, parts)


def places_of(
    view: View, items: Iterable[tuple[int, Item, str]], occupied: Occupied
) -> dict[int, tuple[float, float]]:
    """Return where each symbol stands: at its place, or near it where another stands already."""
    places = {}
    for _number, item, _code in items:
        at = view.place(item.x, item.y)
        spots = ((at[0] + right, at[1] + down) for right, down in ASIDE)
        place = next((spot for spot in spots if _is_room(view, spot, occupied)), at)
        occupied.take(*_around(place))
        places[item.id] = place
    return places


def _around(place: tuple[float, float]) -> tuple[float, float, float, float]:
    x, y, reach = *place, RADIUS_MM * 0.95
    return x - reach, y - reach, x + reach, y + reach


def _is_room(view: View, place: tuple[float, float], occupied: Occupied) -> bool:
    left, top, right, bottom = _around(place)
    is_inside = left >= 0 and top >= 0 and right <= view.width and bottom <= view.height
    return is_inside and occupied.is_free(left, top, right, bottom)


def leader_parts(
    view: View,
    items: Iterable[tuple[int, Item, str]],
    places: Mapping[int, tuple[float, float]],
) -> list[str]:
    """Return a thin line from each symbol that was moved aside to where the component stands."""
    parts = []
    for _number, item, _code in items:
        (x, y), (to_x, to_y) = view.place(item.x, item.y), places[item.id]
        if (x, y) != (to_x, to_y):
            parts.append(f'<path d="M{x:.2f} {y:.2f}L{to_x:.2f} {to_y:.2f}" class="leader"/>')
            parts.append(f'<circle cx="{x:.2f}" cy="{y:.2f}" r=".32" class="foot"/>')
    return parts


def svg(view: View, parts: Iterable[str]) -> str:
    """Return a whole drawing with its frame."""
    size = f'width="{view.width:.2f}" height="{view.height:.2f}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {view.width:.2f} '
        f'{view.height:.2f}"><style>{MAP_STYLE}</style><clipPath id="map"><rect {size}/>'
        f'</clipPath><rect {size} fill="#fbfaf7"/><g clip-path="url(#map)">{"".join(parts)}</g>'
        f'<rect {size} class="frame"/></svg>'
    )


def base_parts(view: View, base: Iterable[BaseShape]) -> list[str]:
    """Return land, water and buildings, then roads: all casings first, so that crossings join."""
    areas: dict[str, list[str]] = {layer: [] for layer in FILLS}
    roads: list[tuple[float, str]] = []
    for each in base:
        if each.layer == "road":
            width = max(view.millimetres(ROAD_M.get(each.kind, 5)), LEAST_ROAD_MM)
            if data := path(view.shown(each.shape)):
                roads.append((width, data))
        elif each.layer in areas and each.kind not in FIELDS:
            areas[each.layer].append(path(view.shown(each.shape)))
    roads.sort()
    return [
        *(
            f'<path d="{"".join(data)}" fill="{FILLS[layer]}" fill-rule="evenodd"/>'
            for layer, data in areas.items()
        ),
        *(f'<path d="{d}" class="casing" stroke-width="{w + 0.3:.2f}"/>' for w, d in roads),
        *(f'<path d="{d}" class="road" stroke-width="{w:.2f}"/>' for w, d in roads),
    ]


def cell_parts(view: View, cells: Iterable[Cell]) -> list[str]:
    """Return the borders of the cells."""
    lines = "".join(path(view.shown(cell.shape.exterior)) for cell in cells)
    return [f'<path d="{lines}" class="cell"/>']


def cell_codes(view: View, cells: Iterable[Cell], occupied: Occupied) -> list[str]:
    """Return the last three digits of each cell's code, near the middle where there is room."""
    parts = []
    for cell in cells:
        shown = view.shown(cell.shape)
        if shown.is_empty or shown.area < CELL_MM * 6:
            continue
        at = shown.representative_point()
        for down in (0, -3, 3, -6, 6):
            left, top = at.x - 2.4, at.y + down - CELL_MM
            if occupied.is_free(left, top, left + 4.8, top + CELL_MM):
                occupied.take(left, top, left + 4.8, top + CELL_MM)
                parts.append(text("cell-code", at.x, at.y + down, cell.code[-3:]))
                break
    return parts


def border_parts(view: View, ground: Ground) -> list[str]:
    """Return a veil over what is not the community, and its border."""
    outline = path(view.shown(ground.outline))
    border = path(view.shown(ground.outline.boundary))
    around = f"M-9 -9H{view.width + 9:.1f}V{view.height + 9:.1f}H-9Z"
    return [
        f'<path d="{around}{outline}" class="outside"/>',
        f'<path d="{border}" class="outline"/>',
    ]


def shape_parts(view: View, items: Iterable[tuple[int, Item, str]]) -> list[str]:
    """Return components that are lines or areas, in the colour of their class."""
    parts = []
    for _number, item, code in items:
        if item.shape.geom_type in ("Point", "MultiPoint"):
            continue
        colour = look_of(code[1:3]).colour
        data = path(view.shown(item.shape))
        is_area = shapely.get_dimensions(item.shape) == 2
        look = f'fill="{colour}" fill-opacity=".16"' if is_area else 'fill="none"'
        parts.append(
            f'<path d="{data}" {look} stroke="{colour}" stroke-width="{0.3 if is_area else 0.7}"/>'
        )
    return parts


def name_parts(view: View, base: Iterable[BaseShape], occupied: Occupied) -> list[str]:
    """Return the names of roads along their longest piece, and of waters in their middle."""
    pieces: dict[tuple[str, str], shapely.Geometry] = {}
    for each in base:
        if not each.name or each.layer not in ("road", "water"):
            continue
        shown = view.shown(each.shape)
        inside = shapely.clip_by_rect(shown, 2, 2, view.width - 2, view.height - 2)
        for piece in shapely.get_parts(inside):
            key = (each.layer, each.name)
            if key not in pieces or _extent(piece) > _extent(pieces[key]):
                pieces[key] = piece
    ordered = sorted(pieces.items(), key=lambda pair: -_extent(pair[1]))
    return [part for key, piece in ordered if (part := _name(key, piece, occupied))]


def _extent(piece: shapely.Geometry) -> float:
    return piece.length if piece.geom_type == "LineString" else math.sqrt(piece.area) * 2


def _name(key: tuple[str, str], piece: shapely.Geometry, occupied: Occupied) -> str:
    layer, name = key
    width = ROAD_NAME_MM * sum(0.55 if ord(character) < 256 else 1.05 for character in name)
    if _extent(piece) < max(SHORTEST_NAMED_MM, width * 1.2):
        return ""
    if layer == "water" or piece.geom_type != "LineString":
        spots = [(piece.representative_point(), 0.0)] if not piece.is_empty else []
    else:
        spots = [_along(piece, share) for share in (0.5, 0.35, 0.65, 0.25, 0.75)]
    for at, angle in spots:
        half_x = abs(math.cos(math.radians(angle))) * width / 2 + 1
        half_y = abs(math.sin(math.radians(angle))) * width / 2 + ROAD_NAME_MM * 0.6
        box = (at.x - half_x, at.y - half_y, at.x + half_x, at.y + half_y)
        steps = max(int(width / 2), 1)
        way = [
            (
                at.x + math.cos(math.radians(angle)) * width * (step / steps - 0.5),
                at.y + math.sin(math.radians(angle)) * width * (step / steps - 0.5),
            )
            for step in range(steps + 1)
        ]
        if all(occupied.is_free(x - 1.1, y - 1.1, x + 1.1, y + 1.1) for x, y in way) or (
            layer == "water" and occupied.is_free(*box)
        ):
            for x, y in way:
                occupied.take(x - 1.2, y - 1.2, x + 1.2, y + 1.2)
            kind = "name water-name" if layer == "water" else "name"
            return text(kind, at.x, at.y + ROAD_NAME_MM * 0.36, name, turn=(angle, at.x, at.y))
    return ""


def _along(line: shapely.Geometry, share: float) -> tuple[shapely.Geometry, float]:
    """Return a point of a line and the angle at which a name stands upright along it."""
    at = line.interpolate(share, normalized=True)
    before = line.interpolate(max(share - 0.05, 0), normalized=True)
    after = line.interpolate(min(share + 0.05, 1), normalized=True)
    angle = math.degrees(math.atan2(after.y - before.y, after.x - before.x))
    return at, (angle + 90) % 180 - 90


def number_parts(
    items: Iterable[tuple[int, Item, str]],
    places: Mapping[int, tuple[float, float]],
    occupied: Occupied,
) -> list[str]:
    """Return the ledger's numbers beside the symbols, where there is room for them."""
    parts = []
    for number, item, _code in items:
        x, y = places[item.id]
        words = str(number)
        width, gap = NUMBER_MM * 0.6 * len(words), RADIUS_MM * 1.25
        spots = (
            (x + gap, y + 0.5),
            (x - gap - width, y + 0.5),
            (x - width / 2, y - gap),
            (x - width / 2, y + gap + NUMBER_MM * 0.8),
            (x + gap * 0.8, y - gap * 0.6),
            (x + gap * 0.8, y + gap),
        )
        for left, bottom in spots:
            box = (left, bottom - NUMBER_MM * 0.8, left + width, bottom)
            if occupied.is_free(*box):
                occupied.take(*box)
                parts.append(text("number", left, bottom, words))
                break
    return parts


def sheet_frame(view: View, sheet: Sheet) -> str:
    """Return the frame and the name of a sheet on the overview."""
    left, top = view.place(sheet.box.west, sheet.box.north)
    right, bottom = view.place(sheet.box.east, sheet.box.south)
    frame = (
        f'<rect x="{left:.2f}" y="{top:.2f}" width="{right - left:.2f}" '
        f'height="{bottom - top:.2f}" class="sheet"/>'
    )
    return frame + text("sheet-name", max(left, 0) + 1.5, max(top, 0) + 5.5, sheet.name)


def text(
    kind: str, x: float, y: float, words: str, turn: tuple[float, float, float] | None = None
) -> str:
    """Return a text element; what people typed is escaped."""
    turned = f' transform="rotate({turn[0]:.1f} {turn[1]:.2f} {turn[2]:.2f})"' if turn else ""
    return f'<text class="{kind}" x="{x:.2f}" y="{y:.2f}"{turned}>{escape(words)}</text>'


def path(shape: shapely.Geometry) -> str:
    """Return the path data of lines and areas; points have none."""
    data = []
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon":
            rings, end = [part.exterior, *part.interiors], "Z"
        elif part.geom_type in ("LineString", "LinearRing"):
            rings, end = [part], ""
        elif part.geom_type.startswith(("Multi", "Geometry")):
            data.append(path(part))
            continue
        else:
            continue
        for ring in rings:
            points = " ".join(f"{x:.2f} {y:.2f}" for x, y in shapely.get_coordinates(ring))
            data.append(f"M{points}{end}")
    return "".join(data)
