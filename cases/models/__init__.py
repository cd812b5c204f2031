"""The case and everything that belongs to it; see the modules for the rules of each table."""

from cases.models.aids import CaseHold, CaseWords, DuplicateRule, Phrase
from cases.models.bulk import BulkAct
from cases.models.calendar import (
    CalendarDay,
    CalendarUse,
    CalendarVersion,
    StageLimit,
    WorkCalendar,
)
from cases.models.case import (
    Case,
    CasePerson,
    CasePolicy,
    NumberCounter,
    ReasonCode,
    Source,
    Urgency,
)
from cases.models.clock import CaseClock
from cases.models.deadline import DeadlineRecalculation, DeadlineRule
from cases.models.desk_rule import DeskRule
from cases.models.exceptions import (
    ApprovalChain,
    CaseUrge,
    RepeatRule,
    RepeatSpot,
    RepeatSpotCase,
    RequestCap,
    ReturnCycle,
)
from cases.models.history import CaseEvent, EventOutbox, EventText, HistoryAnchor, HistoryAnchorHead
from cases.models.photo import CasePhoto, Photo
from cases.models.request import ApprovalRequest
from cases.models.work import FieldTask, LeaderInstruction, SubOrder, SupervisionOrder

__all__ = [
    "ApprovalChain",
    "ApprovalRequest",
    "BulkAct",
    "CalendarDay",
    "CalendarUse",
    "CalendarVersion",
    "Case",
    "CaseClock",
    "CaseEvent",
    "CaseHold",
    "CasePerson",
    "CasePhoto",
    "CasePolicy",
    "CaseUrge",
    "CaseWords",
    "DeadlineRecalculation",
    "DeadlineRule",
    "DeskRule",
    "DuplicateRule",
    "EventOutbox",
    "EventText",
    "FieldTask",
    "HistoryAnchor",
    "HistoryAnchorHead",
    "LeaderInstruction",
    "NumberCounter",
    "Photo",
    "Phrase",
    "ReasonCode",
    "RepeatRule",
    "RepeatSpot",
    "RepeatSpotCase",
    "RequestCap",
    "ReturnCycle",
    "Source",
    "StageLimit",
    "SubOrder",
    "SupervisionOrder",
    "Urgency",
    "WorkCalendar",
]
