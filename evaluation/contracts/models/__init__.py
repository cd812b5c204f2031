"""Collection contracts: what was agreed, and the statements by which it is paid."""

from evaluation.contracts.models.agreed import (
    CENTRE,
    READERS,
    CollectionContract,
    ContractLot,
    LotBeat,
    LotTerms,
    _Days,  # noqa: F401  a migration names it
    terms_on,
    validate_steps,
)
from evaluation.contracts.models.settled import (
    ContractStatement,
    CounterLine,
    LineAppeal,
    QualityDeduction,
)

__all__ = [
    "CENTRE",
    "READERS",
    "CollectionContract",
    "ContractLot",
    "ContractStatement",
    "CounterLine",
    "LineAppeal",
    "LotBeat",
    "LotTerms",
    "QualityDeduction",
    "terms_on",
    "validate_steps",
]
