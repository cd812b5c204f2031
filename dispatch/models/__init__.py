"""What dispatch stores: routing rules as they are edited, as they were published, what they say."""

from dispatch.models.routing import (
    AutomaticType,
    CaseRouting,
    PublishedRules,
    RoutingRule,
    RuleCooperation,
)

__all__ = [
    "AutomaticType",
    "CaseRouting",
    "PublishedRules",
    "RoutingRule",
    "RuleCooperation",
]
