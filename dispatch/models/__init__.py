"""What dispatch stores: routing rules, published and as they are edited; funds; squads."""

from dispatch.funds.models import (
    Account,
    CostEntry,
    CostEvidence,
    CostItem,
    Fund,
    FundYear,
    JournalEntry,
    Posting,
    ProxyThreshold,
    ProxyWork,
    Quote,
    Recovery,
)
from dispatch.models.routing import (
    AutomaticType,
    CaseRouting,
    PublishedRules,
    RoutingRule,
    RuleCooperation,
)
from dispatch.squads.models import Shift, SquadProfile

__all__ = [
    "Account",
    "AutomaticType",
    "CaseRouting",
    "CostEntry",
    "CostEvidence",
    "CostItem",
    "Fund",
    "FundYear",
    "JournalEntry",
    "Posting",
    "ProxyThreshold",
    "ProxyWork",
    "PublishedRules",
    "Quote",
    "Recovery",
    "RoutingRule",
    "RuleCooperation",
    "Shift",
    "SquadProfile",
]
