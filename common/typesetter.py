"""The program that sets one document, run by ``common.typesetting`` as a process of its own.

typst remembers everything it ever laid out until its process ends: a worker that sets an atlas
after another would grow by a hundred megabytes each time. It imports nothing but typst.

    python typesetter.py ROOT FORMAT DOTS_PER_INCH FONT_FOLDER…
"""

import sys
from pathlib import Path

import typst


def main(root: str, wanted: str, dots_per_inch: str, *font_folders: str) -> None:
    """Set ROOT/main.typ and write page-0001.pdf, or one PNG a page, beside it."""
    compiler = typst.Compiler(
        str(Path(root) / "main.typ"), root=root, font_paths=list(font_folders)
    )
    if wanted == "pdf":
        made = compiler.compile(format="pdf", pdf_tags=False)
    else:
        made = compiler.compile(format="png", ppi=float(dots_per_inch))
    pages = made if isinstance(made, list) else [made]
    for number, page in enumerate(pages, start=1):
        (Path(root) / f"page-{number:04}.{wanted}").write_bytes(page or b"")


if __name__ == "__main__":
    main(*sys.argv[1:])
