"""Printed pages by typst: a template of ours, data as JSON, pictures beside it.

What people typed reaches a template as strings of ``data.json``, never as markup: nothing in it can
run or break a page.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
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

PROGRAM = Path(__file__).with_name("typesetter.py")
LONGEST_SECONDS = 170  # less than a document's maker may be silent
Pictures = Mapping[str, str | bytes]  # SVG as text; JPEG and PNG as bytes
SHARED = Path(__file__).resolve().parent / "typst"  # what every template may import


class NoFonts(DomainError):
    """The machine has no font with Chinese characters."""

    def __init__(self) -> None:
        message = _("This machine has no Chinese font: install fonts-noto-cjk.")
        super().__init__("no_fonts", message, status=503)


class TypesettingFailed(RuntimeError):
    """A template or its data is wrong: a fault of ours, with what typst said."""


def typeset_pdf(template: Path, data: Mapping[str, Any], pictures: Pictures | None = None) -> bytes:
    """Return the PDF of a template; pictures are by the name the template gives them."""
    return _set(template, data, pictures, "pdf")[0]


def typeset_png(
    template: Path,
    data: Mapping[str, Any],
    pictures: Pictures | None = None,
    *,
    dots_per_inch: int = 144,
) -> list[bytes]:
    """Return the pages as PNG pictures."""
    return _set(template, data, pictures, "png", dots_per_inch)


def _set(
    template: Path,
    data: Mapping[str, Any],
    pictures: Pictures | None,
    wanted: str,
    dots_per_inch: int = 144,
) -> list[bytes]:
    families = _families()
    with tempfile.TemporaryDirectory(prefix="typesetting-") as folder:
        root = Path(folder)
        for shared in SHARED.iterdir():
            shutil.copy(shared, root)
        shutil.copy(template, root / "main.typ")
        (root / "data.json").write_bytes(orjson.dumps({**data, "fonts": families}))
        for name, picture in (pictures or {}).items():
            content = picture.encode() if isinstance(picture, str) else picture
            (root / name).write_bytes(content)
        program = [sys.executable, "-I", str(PROGRAM), folder, wanted, str(dots_per_inch)]
        done = subprocess.run(  # noqa: S603  our own program, no shell, no input of anybody's
            [*program, *settings.DOCUMENT_FONT_PATHS],
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
        if done.returncode:
            raise TypesettingFailed(done.stderr[-2_000:])
        return [page.read_bytes() for page in sorted(root.glob(f"page-*.{wanted}"))]


@lru_cache(maxsize=1)
def _families() -> list[str]:
    """Return the settings' fonts that are there; raise NoFonts when none is."""
    there = set(typst.Fonts(font_paths=list(settings.DOCUMENT_FONT_PATHS)).families())
    families = [name for name in settings.DOCUMENT_FONTS if name in there]
    if not families:
        raise NoFonts
    return families
