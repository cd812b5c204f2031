"""Funds, their double-entry books, and the work they pay for."""

from dispatch.funds.models.books import (
    CONTRA,
    PERPETUAL,
    Account,
    EntryKind,
    Fund,
    FundYear,
    JournalEntry,
    Kind,
    Posting,
)
from dispatch.funds.models.work import (
    CostEntry,
    CostEvidence,
    CostItem,
    ProxyThreshold,
    ProxyWork,
    Quote,
    Recovery,
)

__all__ = [
    "CONTRA",
    "PERPETUAL",
    "Account",
    "CostEntry",
    "CostEvidence",
    "CostItem",
    "EntryKind",
    "Fund",
    "FundYear",
    "JournalEntry",
    "Kind",
    "Posting",
    "ProxyThreshold",
    "ProxyWork",
    "Quote",
    "Recovery",
]
