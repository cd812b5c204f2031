"""How component types look on a map sheet: a shape and a colour for the class, two digits inside.

Shape and colour say the same, so that a copy in grey can be read. Sizes in millimetres on paper.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

RADIUS_MM = 1.7
DIGITS_MM = 1.9
ALERT = "#d1343b"
FONT = "Noto Sans CJK SC, Noto Sans SC, Source Han Sans SC, sans-serif"


@dataclass(frozen=True, slots=True)
class ClassLook:
    """Colour, and the corners of the shape: how many, the turn of the first, how far out."""

    colour: str
    corners: int = 0
    turn: float = 0
    reach: float = 1


LOOKS = {
    "01": ClassLook("#1759c4"),
    "02": ClassLook("#8f5500", 4, 45, 1.25),
    "03": ClassLook("#7653d6", 4, 0, 1.35),
    "04": ClassLook("#0c6b40", 6, 30, 1.12),
    "05": ClassLook("#a3232a", 5, 0, 1.15),
    "06": ClassLook("#0f6f71", 8, 22.5, 1.06),
}
OTHER = ClassLook("#4c586a")


def look_of(class_code: str) -> ClassLook:
    """Return how a class looks; a class of the city's own is grey and round."""
    return LOOKS.get(class_code, OTHER)


def symbol(type_code: str, state: str, x: float, y: float) -> str:
    """Return the SVG of a component of a type such as ``C0103`` at a place on the paper.

    A damaged one has a red ring, a lost one is hollow.
    """
    look = look_of(type_code[1:3])
    fill, ink = (look.colour, "#fff") if state != "lost" else ("#fff", look.colour)
    ring = ""
    if state == "damaged":
        size = RADIUS_MM * look.reach + 0.55
        ring = f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{size:.2f}" class="alert"/>'
    body = _shape(look, x, y, fill)
    digits = (
        f'<text x="{x:.2f}" y="{y + DIGITS_MM * 0.36:.2f}" fill="{ink}" class="digits">'
        f"{type_code[3:5]}</text>"
    )
    return f"{ring}{body}{digits}"


def _shape(look: ClassLook, x: float, y: float, fill: str) -> str:
    paint = f'fill="{fill}" stroke="{look.colour if fill == "#fff" else "#fff"}" class="symbol"'
    if not look.corners:
        return f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{RADIUS_MM}" {paint}/>'
    radius = RADIUS_MM * look.reach
    points = []
    for corner in range(look.corners):
        angle = math.radians(look.turn + 360 * corner / look.corners)
        points.append(f"{x + radius * math.sin(angle):.2f},{y - radius * math.cos(angle):.2f}")
    return f'<polygon points="{" ".join(points)}" {paint}/>'


STYLE = f"""
.symbol {{ stroke-width: .22 }}
.digits {{ font: 700 {DIGITS_MM}px {FONT}; text-anchor: middle }}
.alert {{ fill: none; stroke: {ALERT}; stroke-width: .5 }}
"""


def symbol_svg(type_code: str, state: str = "intact") -> str:
    """Return a symbol by itself, for legends."""
    half = RADIUS_MM * 1.5
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-half} {-half} {2 * half} {2 * half}">'
        f"<style>{STYLE}</style>{symbol(type_code, state, 0, 0)}</svg>"
    )
