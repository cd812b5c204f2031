"""A ranking's workbook in LibreOffice: another program computes the numbers of the page.

The file holds formulas and no results. LibreOffice opens it without a window, computes it and saves
it; every number it found is compared. Then counts and weights are changed in the file, as a reader
would, and what it computes must be what the rules say of the changed ones.
"""

from __future__ import annotations

import subprocess
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from django.contrib.gis.geos import MultiPolygon
from django.http import QueryDict
from django.test import Client
from openpyxl import Workbook, load_workbook

from accounts.models import City
from cases.models import Case
from common import clock
from evaluation.indicators import measures_of
from evaluation.models import ObjectKind
from evaluation.pages.board import board_make
from evaluation.pages.choice import choice_read
from evaluation.scoring import Card, Place, ranked, score
from evaluation.selectors.standings import Standing
from evaluation.sight import sight_of
from grid.models import GridCell, Zone
from tests.cast import GUDANG, NOW

PATIENCE_SECONDS = 120


def computed(books: dict[str, bytes], folder: Path) -> dict[str, Workbook]:
    """Let LibreOffice open workbooks, compute and save them; returns them with their results."""
    sources = [folder / f"{name}.xlsx" for name in books]
    for source, book in zip(sources, books.values(), strict=True):
        source.write_bytes(book)
        unknown = load_workbook(source, data_only=True)["Ranking"]
        assert unknown["E2"].value is None, "the file brings no results of its own"
    subprocess.run(
        [
            "soffice",
            f"-env:UserInstallation=file://{folder}/profile",
            "--headless",
            "--convert-to",
            "xlsx:Calc MS Excel 2007 XML",
            "--outdir",
            folder / "computed",
            *sources,
        ],
        check=True,
        timeout=PATIENCE_SECONDS,
        capture_output=True,
    )
    return {
        name: load_workbook(folder / "computed" / f"{name}.xlsx", data_only=True) for name in books
    }


def compare(book: Workbook, rows: list[tuple[str, Place[int]]]) -> int:
    """Compare every number of the ranking; returns how many there were."""
    numbers = 0
    lines = book["Ranking"].iter_rows(min_row=2, values_only=True)
    for (name, place), line in zip(rows, lines, strict=True):
        total = place.score.total
        shown_rank, shown_name, _group, grade, shown, _ranked, *figures = line
        assert shown_name == name
        assert (shown_rank or None, grade or "") == (place.rank, place.score.grade), name
        assert (shown or None if total is None else shown) == close_to(total), name
        for part, value, points in zip(place.score.parts, figures[::2], figures[1::2], strict=True):
            assert (value if part.value is not None else value or None) == close_to(part.value)
            assert (points if part.points is not None else points or None) == close_to(part.points)
        numbers += sum(isinstance(each, int | float) for each in line)
    return numbers


def close_to(value):
    return None if value is None else pytest.approx(float(value), abs=1e-8)


def changed(book: bytes, rows: list[Standing], card: Card) -> tuple[bytes, list, Card]:
    """Halve the counts of every other object and let two weights change places, in the file."""
    edited = load_workbook(BytesIO(book))
    counts, weights = edited["Counts"], edited["Weights"]
    measures = measures_of(card.indicators)
    found = []
    for number, row in enumerate(rows):
        own = dict(row.counts)
        if number % 2:
            own = {key: value // 2 for key, value in own.items()}
            for column, key in enumerate(measures, 3):
                counts.cell(number + 2, column).value = own.get(key, 0)
        found.append((row, own))
    first, last, *rest = card.items
    swapped = (
        replace(first, weight=last.weight), replace(last, weight=first.weight), *rest
    )  # fmt: skip
    for number, item in enumerate(swapped, 2):
        weights.cell(number, 2).value = float(item.weight)
    out = BytesIO()
    edited.save(out)
    return out.getvalue(), found, replace(card, items=swapped)


def make_strict(cell: GridCell, city: City) -> None:
    """Let a cell lie in a key zone: other bands hold for it."""
    zone = Zone.objects.create(
        city=city,
        grade=Zone.Grade.KEY,
        code="key",
        name="重点区",
        geometry=MultiPolygon(cell.geometry, srid=cell.geometry.srid),
        valid_from=cell.valid_from,
    )
    zone.cells.add(cell)


def test_libreoffice_computes_the_numbers_of_the_page(busy_month, tmp_path):
    make_strict(Case.objects.first().cell, busy_month.city)
    client = Client(headers={"accept-language": "en"})
    client.force_login(busy_month.leader_tang, backend="accounts.backends.PersonBackend")
    sight, now = sight_of(busy_month.leader_tang, NOW.date()), clock.now()
    books: dict[str, bytes] = {}
    expected: dict[str, list[tuple[str, Place[int]]]] = {}
    for kind in ObjectKind:
        query = f"period=month&day=2026-03-16&within={GUDANG}&kind={kind}"
        board = board_make(choice=choice_read(QueryDict(query), sight), sight=sight, now=now)
        rows = [row.standing for row in board.rows]
        names = {row.key: row.name_en or row.name for row in rows}
        answer = client.get(f"/evaluation/export.xlsx?{query}")
        books[kind] = answer.content
        expected[kind] = [(names[row.key], row.place) for row in rows]

        books[f"{kind}-changed"], counted, card = changed(answer.content, rows, board.card)
        scores = [
            (row.key, group, score(card, own, kind=board.choice.period.kind, group=group))
            for row, own in counted
            for group in [row.place.group]
        ]
        places = {each.key: each for each in ranked(scores, together=kind is ObjectKind.CELL)}
        expected[f"{kind}-changed"] = [(names[row.key], places[row.key]) for row in rows]

    found = computed(books, tmp_path)
    numbers = sum(compare(found[name], rows) for name, rows in expected.items())
    assert numbers > 3000, "of ten rankings as they are, and as many changed"
