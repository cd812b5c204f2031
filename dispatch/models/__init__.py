"""What dispatch stores: routing rules, published and being edited; funds; squads; links; desks."""

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
from dispatch.models.links import Contractor, ContractorLink, LinkAnswer
from dispatch.models.rollout import DeskSwitch
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
    "Contractor",
    "ContractorLink",
    "CostEntry",
    "CostEvidence",
    "CostItem",
    "DeskSwitch",
    "Fund",
    "FundYear",
    "JournalEntry",
    "LinkAnswer",
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
