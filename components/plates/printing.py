"""Printing plates as a document: which ones, in files of whole sheets, and that it was done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from components.documents.services import Part, Progress
from components.models import Document, Plate
from components.plates.selectors import components_chosen, plates_of
from components.plates.services import plates_record_print
from components.plates.sheets import files_of, sheet_pdf, size_of
from grid.models import Area


def print_plates(document: Document, progress: Progress, now: datetime) -> Iterator[Part]:
    """Yield the sheets a document asks for; every plate on them counts as printed with it."""
    size = size_of(document.options)
    ids = list(plates_wanted(document.options).values_list("pk", flat=True))
    progress.total(len(ids))
    for number, batch in enumerate(files_of(ids, size), start=1):
        found = Plate.objects.select_related(
            "component__type", "component__city", "component__cell"
        ).in_bulk(batch)
        plates = [found[pk] for pk in batch]
        yield Part(f"plates-{number:03}.pdf", sheet_pdf(plates, size, document.title, now))
        progress.advance(len(batch))
    progress.when_stored(lambda: plates_record_print(document=document, plate_ids=ids, now=now))


def plates_wanted(options: Mapping[str, Any]) -> QuerySet[Plate]:
    """Return the active plates that options name: by id, or by area and types."""
    if "plates" in options:
        wanted = Plate.objects.filter(pk__in=options["plates"], state=Plate.State.ACTIVE)
        return wanted.order_by("component__cell__code", "component__code")
    components = components_chosen(Area.objects.get(pk=options["area"]), options.get("types", ()))
    return plates_of(components, only_unprinted=bool(options.get("only_unprinted")))
