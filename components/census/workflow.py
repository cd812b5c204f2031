"""The states of a survey and of its parts, as two tables; pure.

A survey is one file. What it found in one community is a part of it: parts are reviewed, published
and rolled back one by one, whole or not at all.
"""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class SurveyState(TextChoices):
    """What a survey waits for."""

    UPLOADED = "uploaded", pgettext_lazy("survey", "To be set up")
    READING = "reading", pgettext_lazy("survey", "Being read")
    CHECKING = "checking", pgettext_lazy("survey", "Being checked")
    COMPARING = "comparing", pgettext_lazy("survey", "Being compared")
    CHECKED = "checked", pgettext_lazy("survey", "Checked")
    CONFIRMING = "confirming", pgettext_lazy("survey", "Bodies confirm")
    REVIEWING = "reviewing", pgettext_lazy("survey", "Under review")
    PUBLISHED = "published", pgettext_lazy("survey", "Published")
    REFUSED = "refused", pgettext_lazy("survey", "Refused")
    CANCELLED = "cancelled", pgettext_lazy("survey", "Cancelled")


class PartState(TextChoices):
    """What a part (a survey in one community) waits for."""

    WAITING = "waiting", pgettext_lazy("survey part", "Not under review yet")
    REVIEWING = "reviewing", pgettext_lazy("survey part", "To be reviewed")
    APPROVED = "approved", pgettext_lazy("survey part", "Being published")
    PUBLISHED = "published", pgettext_lazy("survey part", "Published")
    SENT_BACK = "sent_back", pgettext_lazy("survey part", "Sent back")
    UNDOING = "undoing", pgettext_lazy("survey part", "Being rolled back")
    ROLLED_BACK = "rolled_back", pgettext_lazy("survey part", "Rolled back")


class FindingKind(TextChoices):
    """How a survey differs from the register."""

    NEW = "new", pgettext_lazy("finding", "New")
    GONE = "gone", pgettext_lazy("finding", "Gone")
    MOVED = "moved", pgettext_lazy("finding", "Moved")
    CHANGED = "changed", pgettext_lazy("finding", "Changed")


class Datum(TextChoices):
    """What a file's coordinates are measured in."""

    FILE = "file", _("as the file says")
    WGS84 = "wgs84", _("WGS-84 longitude and latitude")
    CGCS2000 = "cgcs2000", _("CGCS2000 longitude and latitude (EPSG:4490)")
    CITY = "city", _("CGCS2000 metres of the city's zone (EPSG:4549)")
    GCJ02 = "gcj02", _("GCJ-02 (Amap, Tencent)")
    BD09 = "bd09", _("BD-09 (Baidu)")
    OTHER = "other", _("another system: an EPSG code or a PROJ string")


class Coverage(TextChoices):
    """What it means that something of the register is not in the file."""

    WHOLE = "whole", _("all components of its types in its communities: what is missing is gone")
    PART = "part", _("a part of them: what is missing says nothing")


S, P = SurveyState, PartState

# action: the states it starts in → the state it leads to
SURVEY_ACTIONS: dict[str, tuple[frozenset[SurveyState], SurveyState]] = {
    "start": (frozenset({S.UPLOADED, S.CHECKED, S.REFUSED, S.CANCELLED}), S.READING),
    "correct": (frozenset({S.CHECKED}), S.CHECKING),
    "compare": (frozenset({S.CHECKED, S.CONFIRMING, S.REVIEWING}), S.CHECKING),
    "submit": (frozenset({S.CHECKED}), S.CONFIRMING),
    "review": (frozenset({S.CONFIRMING}), S.REVIEWING),
    "cancel": (
        frozenset(
            {S.UPLOADED, S.READING, S.CHECKING, S.COMPARING, S.CHECKED, S.CONFIRMING, S.REVIEWING}
        ),
        S.CANCELLED,
    ),
}
PART_ACTIONS: dict[str, tuple[frozenset[PartState], PartState]] = {
    "approve": (frozenset({P.REVIEWING}), P.APPROVED),
    "send_back": (frozenset({P.REVIEWING}), P.SENT_BACK),
    "roll_back": (frozenset({P.PUBLISHED}), P.UNDOING),
}
# What a worker carries on with; each state's steps lead to the next.
WORKING = (S.READING, S.CHECKING, S.COMPARING)
PARTS_WORKING = (P.APPROVED, P.UNDOING)
# A community is under review in one survey at a time.
CLAIMING = (P.REVIEWING, P.APPROVED)
DECIDED = (P.PUBLISHED, P.SENT_BACK, P.ROLLED_BACK)
PUBLISHERS = 2  # workers that are asked to publish at once, in districts of their own
ENDED = (S.PUBLISHED, S.REFUSED, S.CANCELLED)
