"""Loading contracts from a file: contractors by their codes, lots by the areas of their beats.

Only where there are none: what an administrator made of them stays.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from django.db import transaction

from accounts.models import City, Organisation
from common.money import fen_of
from evaluation.contracts.lots import beats_in, lot_take_beats
from evaluation.contracts.models import CollectionContract, ContractLot, LotTerms
from grid.models import Area


@transaction.atomic
def load_contracts(city: City, path: Path, on: date) -> int:
    """Give a city the contracts of a file whose contractors it has; returns how many.

    The beats of a lot are those of its areas on the day ``on``.
    """
    if CollectionContract.objects.filter(city=city).exists():
        return 0
    entries = json.loads(path.read_text(encoding="utf-8"))
    bodies = {body.code: body for body in Organisation.objects.filter(city=city)}
    known = [entry for entry in entries if entry["contractor"] in bodies]
    for entry in known:
        contract = CollectionContract.objects.create(
            city=city,
            contractor=bodies[entry["contractor"]],
            **{name: entry[name] for name in ("number", "name", "name_en", "answer_days")},
            valid_from=date.fromisoformat(entry["valid_from"]),
        )
        for lot in entry["lots"]:
            _load_lot(contract, lot, on)
    return len(known)


def _load_lot(contract: CollectionContract, entry: dict[str, Any], on: date) -> None:
    lot = ContractLot.objects.create(
        contract=contract,
        valid_from=contract.valid_from,
        **{name: entry[name] for name in ("code", "name", "name_en")},
    )
    areas = Area.objects.filter(city=contract.city, code__in=entry["areas"], valid_to=None)
    lot_take_beats(lot=lot, beats=beats_in(areas, on))
    terms = dict(entry["terms"])
    money = {
        f"{name}_fen": fen_of(terms.pop(name))
        for name in ("fee", "report", "ceiling", "shortfall", "missed")
        if name in terms
    }
    row = LotTerms(lot=lot, valid_from=contract.valid_from, **money, **terms)
    row.full_clean()
    row.save()
