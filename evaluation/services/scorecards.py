"""Versions of scorecards."""

from __future__ import annotations

from evaluation.models import ItemBands, Scorecard


def bands_take_over(scorecard: Scorecard) -> int:
    """Give a new version's lines the bands that the version before had; returns how many."""
    before = (
        Scorecard.objects.filter(kind=scorecard.kind, valid_from__lt=scorecard.valid_from)
        .order_by("-valid_from")
        .first()
    )
    lines = {line.indicator: line for line in scorecard.items.all()}
    taken = [
        ItemBands(item=lines[bands.item.indicator], group=bands.group, steps=bands.steps)
        for bands in ItemBands.objects.filter(item__scorecard=before).select_related("item")
        if before is not None and bands.item.indicator in lines
    ]
    ItemBands.objects.bulk_create(taken, ignore_conflicts=True)
    return len(taken)
