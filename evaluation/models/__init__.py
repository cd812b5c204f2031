"""Facts and their sums, and what a city sets for their evaluation."""

from evaluation.contracts.models import (
    CollectionContract,
    ContractLot,
    ContractStatement,
    CounterLine,
    LineAppeal,
    LotBeat,
    LotTerms,
    QualityDeduction,
)
from evaluation.models.appeals import Appeal, CounterEntry
from evaluation.models.facts import (
    DAY_SUMS,
    DIMENSIONS,
    PLACES,
    DaySum,
    DirtyDay,
    EvaluationPolicy,
    Fact,
    FactCheck,
    OrganisationDay,
    PersonDay,
    PlaceDay,
    TypeDay,
)
from evaluation.models.proposals import LimitProposal
from evaluation.models.publishing import EvaluationPeriod, FrozenRanking
from evaluation.models.scorecards import (
    ComparisonGroup,
    ComparisonMember,
    GradeStep,
    ItemBands,
    ObjectKind,
    Scorecard,
    ScorecardItem,
)

__all__ = [
    "DAY_SUMS",
    "DIMENSIONS",
    "PLACES",
    "Appeal",
    "CollectionContract",
    "ComparisonGroup",
    "ComparisonMember",
    "ContractLot",
    "ContractStatement",
    "CounterEntry",
    "CounterLine",
    "DaySum",
    "DirtyDay",
    "EvaluationPeriod",
    "EvaluationPolicy",
    "Fact",
    "FactCheck",
    "FrozenRanking",
    "GradeStep",
    "ItemBands",
    "LimitProposal",
    "LineAppeal",
    "LotBeat",
    "LotTerms",
    "ObjectKind",
    "OrganisationDay",
    "PersonDay",
    "PlaceDay",
    "QualityDeduction",
    "Scorecard",
    "ScorecardItem",
    "TypeDay",
]
