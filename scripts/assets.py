#!/usr/bin/env python3
"""Copy what the pages need from node_modules into static/vendor, and cut the icon sprite.

static/vendor is made by the set-up and never committed: third-party code stays in its packages. The
icons in use are listed in static/img/icons.txt, one Tabler name a line.
"""

import re
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "static" / "vendor"
ICON_LIST = ROOT / "static" / "img" / "icons.txt"
ICON_SOURCE = MODULES / "@tabler" / "icons" / "icons" / "outline"
SVG = "{http://www.w3.org/2000/svg}"
SOURCE_MAP = re.compile(rb"(//#|/\*#)\s*sourceMappingURL=[^\s*]+(\s*\*/)?")

# From where in node_modules to where in static/vendor.
FILES = (
    ("htmx.org/dist/htmx.min.js", "htmx.js"),
    ("protomaps-leaflet/dist/protomaps-leaflet.js", "protomaps-leaflet.js"),
    (
        "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
        "inter/latin.woff2",
    ),
    ("axe-core/axe.min.js", "axe/axe.min.js"),
)


def copy_file(source: Path, target: Path) -> None:
    """Copy one file; scripts and style sheets lose their pointer to a source map we do not ship."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix in {".js", ".css"}:
        target.write_bytes(SOURCE_MAP.sub(b"", source.read_bytes()))
    else:
        shutil.copyfile(source, target)


def icon_names() -> list[str]:
    lines = ICON_LIST.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def icon_symbol(name: str) -> str:
    """Return one icon as a <symbol>, without the invisible frame path of its source."""
    icon = ElementTree.parse(ICON_SOURCE / f"{name}.svg").getroot()
    shapes = [
        f'<{shape.tag.removeprefix(SVG)} d="{shape.attrib["d"]}"/>'
        for shape in icon
        if shape.attrib.get("stroke") != "none"
    ]
    return f'<symbol id="{name}" viewBox="0 0 24 24">{"".join(shapes)}</symbol>'


def build_sprite(target: Path) -> None:
    symbols = "\n".join(icon_symbol(name) for name in icon_names())
    target.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg">\n{symbols}\n</svg>\n', encoding="utf-8"
    )


def main() -> int:
    missing = [source for source, _ in FILES if not (MODULES / source).is_file()]
    if missing:
        print("assets: run `npm ci` first; missing in node_modules:", file=sys.stderr)
        print("\n".join(f"  {source}" for source in missing), file=sys.stderr)
        return 1
    for source, target in FILES:
        copy_file(MODULES / source, VENDOR / target)
    build_sprite(VENDOR / "icons.svg")
    print(f"assets: {len(FILES)} files and {len(icon_names())} icons in static/vendor")
    return 0


if __name__ == "__main__":
    sys.exit(main())
