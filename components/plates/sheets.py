"""Sheets of plates: A4 pages with cut marks, a QR that leads to the report page on every plate."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import segno
from django.conf import settings
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from common.errors import DomainError
from common.typesetting import typeset_pdf
from components.models import Plate
from components.plates.codes import code_in_groups

TEMPLATE = Path(__file__).with_name("sheet.typ")
PLATES_A_FILE = 600  # about a hundred sheets: what a print shop takes at once
QUIET_ZONE = 4  # modules of white around a QR, after ISO/IEC 18004


@dataclass(frozen=True, slots=True)
class PlateSize:
    """A plate in millimetres, and how many go on an A4 sheet."""

    key: str
    label: str | Promise
    width: int
    height: int
    across: int
    down: int


SIZES = {
    size.key: size
    for size in (
        PlateSize("medium", _("85 × 54 mm, 8 on a sheet"), 85, 54, 2, 4),
        PlateSize("small", _("60 × 38 mm, 18 on a sheet"), 60, 38, 3, 6),
        PlateSize("large", _("130 × 82 mm, 3 on a sheet"), 130, 82, 1, 3),
    )
}


class NoSiteAddress(DomainError):
    """Nobody told the installation under which address the public reaches it."""

    def __init__(self) -> None:
        message = _("The address of this site is not set (SITE_URL): plates would lead nowhere.")
        super().__init__("no_site_address", message, status=409)


def plate_address(code: str) -> str:
    """Return what the QR of a plate holds; raise NoSiteAddress 409 while nobody set it."""
    if not settings.SITE_URL:
        raise NoSiteAddress
    return f"{settings.SITE_URL.rstrip('/')}/q/{code}"


def sheet_pdf(plates: Sequence[Plate], size: PlateSize, title: str, now: datetime) -> bytes:
    """Return the PDF of some hundred plates; their components and types are loaded with them."""
    return typeset_pdf(TEMPLATE, sheet_data(plates, size, title, now))


def sheet_data(
    plates: Sequence[Plate], size: PlateSize, title: str, now: datetime
) -> dict[str, Any]:
    """Return what the template prints, in the language of now."""
    is_english = (get_language() or "").startswith("en")
    city = plates[0].component.city
    return {
        "title": title,
        "language": "en" if is_english else "zh",
        "made": f"{timezone.localtime(now):%Y-%m-%d %H:%M}",
        "width": size.width,
        "height": size.height,
        "across": size.across,
        "down": size.down,
        "words": {
            "city": gettext("%(city)s city management")
            % {"city": (is_english and city.name_en) or city.name},
            "plate": gettext("Component plate"),
            "identification": gettext("Identification code"),
            "code": gettext("Code of the plate"),
            "scan": gettext("Broken? Scan, or call %(number)s") % {"number": settings.HOTLINE}
            if settings.HOTLINE
            else gettext("Broken? Scan to report"),
        },
        "plates": [_printed(plate, is_english=is_english) for plate in plates],
    }


def _printed(plate: Plate, *, is_english: bool) -> dict[str, str]:
    component = plate.component
    return {
        "code": code_in_groups(plate.code),
        "component": identification_in_groups(component.code),
        "type": (is_english and component.type.name_en) or component.type.name,
        "address": component.name or component.address,
        "place": component.cell.code,
        "qr": qr_svg(plate_address(plate.code)),
    }


def identification_in_groups(code: str) -> str:
    """Return the 16 digits as district, class, type and sequence."""
    return f"{code[:6]} {code[6:8]} {code[8:10]} {code[10:]}"


def qr_svg(text: str) -> str:
    """Return a QR code that survives a quarter of it being scratched away (level Q)."""
    out = io.BytesIO()
    segno.make(text, error="q", boost_error=False, micro=False).save(
        out, kind="svg", border=QUIET_ZONE, xmldecl=False, svgclass=None, lineclass=None, scale=1
    )
    return out.getvalue().decode()


def files_of(plate_ids: Sequence[int], size: PlateSize) -> Iterator[Sequence[int]]:
    """Cut plates into what goes into one file: whole sheets."""
    a_sheet = size.across * size.down
    length = PLATES_A_FILE // a_sheet * a_sheet
    for start in range(0, len(plate_ids), length):
        yield plate_ids[start : start + length]


def size_of(options: Mapping[str, Any]) -> PlateSize:
    """Return the size somebody chose; the middle one where none was."""
    return SIZES.get(str(options.get("size")), SIZES["medium"])
