"""The monthly report as a PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from common.typesetting import typeset_pdf
from evaluation.analysis.document import Block, Picture, Report, Table

TEMPLATE = Path(__file__).with_name("monthly.typ")


def report_pdf(report: Report) -> bytes:
    """Return the report as a PDF, in the language of now.

    Raises:
        NoFonts: the machine has no Chinese font.
    """
    return typeset_pdf(TEMPLATE, report_data(report), report.pictures)


def report_data(report: Report) -> dict[str, Any]:
    """Return what the template prints."""
    return {
        "city": report.city,
        "title": report.title,
        "month": report.month,
        "state": report.state,
        "is_draft": report.is_draft,
        "made": report.made,
        "language": "en" if (get_language() or "").startswith("en") else "zh",
        "words": {"draft": _("DRAFT"), "made": _("Made")},
        "sections": [
            {"title": section.title, "blocks": [_block(block) for block in section.blocks]}
            for section in report.sections
        ],
    }


def _block(block: Block) -> dict[str, Any]:
    if isinstance(block, Table):
        return {
            "kind": "table",
            "head": block.head,
            "rows": block.rows,
            "numbers": block.numbers,
            "grade": block.grade,
            "wide": list(block.wide),
        }
    if isinstance(block, Picture):
        return {"kind": "picture", "name": block.name, "caption": block.caption}
    return {"kind": "text", "text": block}
