"""Printed pages by typst: a template of ours, data as JSON, pictures beside it.

What people typed reaches a template as strings of ``data.json``, never as markup: nothing in it can
run or break a page.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
import typst
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from common.errors import DomainError

SHARED = Path(__file__).resolve().parent / "typst"  # what every template may import


class NoFonts(DomainError):
    """The machine has no font with Chinese characters."""

    def __init__(self) -> None:
        message = _("This machine has no Chinese font: install fonts-noto-cjk.")
        super().__init__("no_fonts", message, status=503)


def typeset_pdf(
    template: Path, data: Mapping[str, Any], pictures: Mapping[str, str] | None = None
) -> bytes:
    """Return the PDF of a template; pictures are SVG by the name the template gives them."""
    return _compile(template, data, pictures, format="pdf", pdf_tags=False)[0]


def typeset_png(
    template: Path,
    data: Mapping[str, Any],
    pictures: Mapping[str, str] | None = None,
    *,
    dots_per_inch: int = 144,
) -> list[bytes]:
    """Return the pages as PNG pictures."""
    return _compile(template, data, pictures, format="png", ppi=dots_per_inch)


def _compile(
    template: Path,
    data: Mapping[str, Any],
    pictures: Mapping[str, str] | None,
    **wanted: Any,
) -> list[bytes]:
    fonts, families = _fonts()
    with tempfile.TemporaryDirectory(prefix="typesetting-") as folder:
        root = Path(folder)
        for shared in SHARED.iterdir():
            shutil.copy(shared, root)
        shutil.copy(template, root / "main.typ")
        (root / "data.json").write_bytes(orjson.dumps({**data, "fonts": families}))
        for name, picture in (pictures or {}).items():
            (root / name).write_text(picture, encoding="utf-8")
        compiler = typst.Compiler(str(root / "main.typ"), root=str(root), font_paths=fonts)
        made = compiler.compile(**wanted)
    return made if isinstance(made, list) else [made or b""]


@lru_cache(maxsize=1)
def _fonts() -> tuple[typst.Fonts, list[str]]:
    """Look for fonts once a process; raise NoFonts when none of the settings' is there."""
    fonts = typst.Fonts(font_paths=list(settings.DOCUMENT_FONT_PATHS))
    there = set(fonts.families())
    families = [name for name in settings.DOCUMENT_FONTS if name in there]
    if not families:
        raise NoFonts
    return fonts, families
