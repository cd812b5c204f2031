"""Cases as pages show them: plain data for the shared fragments, no markup.

The templates never ask for a state: label, step and look come from here, the actions from the
workflow. Nothing here decides what may be done.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Case, CasePhoto, Photo, Source
from cases.selectors import ActionOption
from cases.time_limits import light
from cases.workflow import (
    ACTION_LABELS,
    ARROWS,
    CLOCK_LABELS,
    STATE_LABELS,
    Asks,
    ClockKind,
    State,
)
from common.templatetags.ui import named

# (step of seven, kind of badge)
BADGES: dict[State, tuple[int, str]] = {
    State.REPORTED: (1, "progress"),
    State.CONFIRMING: (1, "progress"),
    State.ACCEPTED: (2, "progress"),
    State.FILED: (3, "progress"),
    State.DISPATCHED: (4, "progress"),
    State.HANDLING: (4, "progress"),
    State.SUSPENDED: (4, "suspended"),
    State.HANDLED: (5, "progress"),
    State.CHECKING: (5, "progress"),
    State.REWORK: (4, "rework"),
    State.CHECKED: (6, "progress"),
    State.CLOSED: (7, "closed"),
    State.REFUSED: (7, "ended"),
    State.VOIDED: (7, "ended"),
    State.MERGED: (7, "ended"),
}

SOURCE_ICONS = {
    Source.COLLECTOR: "device-mobile",
    Source.HOTLINE: "phone",
    Source.PUBLIC: "world",
    Source.SENSOR: "antenna",
    Source.LEADER: "briefcase",
    Source.MEDIA: "speakerphone",
    Source.VIDEO: "video",
}


@dataclass(frozen=True, slots=True)
class Look:
    """How the button of an action looks; a destructive one says what follows."""

    icon: str = "edit"
    key: str = ""
    is_primary: bool = False
    is_danger: bool = False
    consequence: str | Promise = ""


LOOKS: dict[str, Look] = {
    "accept": Look("check", "F2", is_primary=True),
    "ask_confirmation": Look("send", "F3"),
    "merge": Look(
        "git-merge",
        "F4",
        consequence=gettext_lazy("The case ends; its reporter is answered like the first."),
    ),
    "refuse": Look(
        "ban",
        "F8",
        is_danger=True,
        consequence=gettext_lazy("The case ends here without handling."),
    ),
    "judge_valid": Look("check"),
    "dispatch_urgent": Look("bolt"),
    "confirm": Look("check", is_primary=True),
    "file": Look("clipboard-check", "F2", is_primary=True),
    "send_back": Look("arrow-back-up"),
    "dispatch": Look("send", "F2", is_primary=True),
    "hand_down": Look("arrow-down"),
    "hand_up": Look("arrow-right"),
    "sign": Look("edit", "S", is_primary=True),
    "recall": Look("arrow-back-up"),
    "assign": Look("users", "A"),
    "take_back": Look("arrow-back-up"),
    "sign_sub_order": Look("edit", is_primary=True),
    "complete_sub_order": Look("check", is_primary=True),
    "add_sub_orders": Look("plus"),
    "decline_sub_order": Look("ban"),
    "keep_sub_order": Look("check"),
    "recall_sub_order": Look("arrow-back-up"),
    "send_link": Look("link"),
    "revoke_link": Look("ban"),
    "answer_link": Look("device-mobile"),
    "reopen_link": Look("refresh"),
    "move_desk": Look("arrow-right"),
    "reassign": Look("users"),
    "complete": Look("check", "C", is_primary=True),
    "resume": Look("player-play", is_primary=True),
    "send_check": Look("send", "F2", is_primary=True),
    "skip_check": Look("check"),
    "check_pass": Look("check", is_primary=True),
    "check_fail": Look("x"),
    "close": Look("circle-check", "F2", is_primary=True),
    "order_supervision": Look("flag"),
    "instruct": Look("edit"),
    "rate_supervision": Look("clipboard-check"),
    "rate_instruction": Look("clipboard-check"),
    "urge": Look("bell"),
    "return_cycle": Look("refresh"),
    "complete_filing": Look("clipboard-check"),
    "request_return": Look("arrow-back-up"),
    "request_extension": Look("calendar-event"),
    "request_suspension": Look("player-pause"),
    "request_proxy": Look("truck"),
    "request_void": Look("ban"),
    "request_unsolved_close": Look("circle-dashed"),
    "warn": Look("bell"),
    "breach": Look("alert-triangle"),
    "escalate": Look("speakerphone"),
    "recalculate": Look("calendar-event"),
    "approve_void": Look(
        "check", is_danger=True, consequence=gettext_lazy("The case ends and counts as voided.")
    ),
}
DECISIONS = {
    arrow.action
    for arrow in ARROWS
    if arrow.request and arrow.request[0] in (Asks.APPROVE, Asks.REJECT)
}
REQUEST_ICONS = (("approve_", "check"), ("reject_", "ban"), ("withdraw_", "arrow-back-up"))


def look_of(action: str) -> Look:
    """Return how an action looks; decisions on requests share theirs."""
    if action in LOOKS:
        return LOOKS[action]
    return next((Look(icon) for start, icon in REQUEST_ICONS if action.startswith(start)), Look())


def badge(case: Case, is_mine: bool = False) -> dict[str, Any]:
    """Return the state badge of a case."""
    state = State(case.state)
    step, kind = BADGES[state]
    return {"label": STATE_LABELS[state], "step": step, "kind": kind, "mine": is_mine}


def waiting_clock(case: Case, now: datetime) -> dict[str, Any] | None:
    """Return the chip of the clock the case waits for now; None when nothing runs.

    The lists know the deadline and the moment of warning, not the start; the ring is drawn as if
    the warning came after four fifths of the time, which is the default.
    """
    if case.state == State.SUSPENDED and case.review_at:
        day = timezone.localdate(case.review_at)
        return {"light": "paused", "text": _("review %(day)s") % {"day": f"{day:%m-%d}"}}
    if not case.due_at:
        return None
    warn_at = case.warn_at or case.due_at
    return {
        "kind": case.clock_kind,
        "label": CLOCK_LABELS[ClockKind(case.clock_kind)] if case.clock_kind else "",
        "light": str(light(now, warn_at, case.due_at)),
        "started_at": warn_at - 4 * (case.due_at - warn_at),
        "warn_at": warn_at,
        "due_at": case.due_at,
        "seconds_left": (case.due_at - now).total_seconds(),
    }


@cache
def _around_number() -> tuple[str, str]:
    before, after = reverse("cases:detail", args=["-"]).split("-")
    return before, after


def case_address(number: str) -> str:
    """Return the address of a case's page: of the lists' hundreds, the way is looked up once."""
    return number.join(_around_number())


def case_row(case: Case, now: datetime, is_mine: bool = False) -> dict[str, Any]:
    """Return a case as lists and queues show it."""
    return {
        "case": case,
        "number": case.number,
        "url": case_address(case.number),
        "title": case.description or (str(case.address)),
        "badge": badge(case, is_mine),
        "clock": waiting_clock(case, now),
        "due_at": case.due_at,
        "source_icon": SOURCE_ICONS.get(case.source, "info-circle"),
        "source_label": Source(case.source).label,
    }


MAP_LIGHTS = {"green": "green", "yellow": "amber", "red": "red"}


def map_point(row: dict[str, Any]) -> dict[str, Any]:
    """Return a case of a list as a light on the map."""
    case, clock = row["case"], row["clock"] or {}
    return {
        "lon": case.point.x,
        "lat": case.point.y,
        "light": MAP_LIGHTS.get(clock.get("light", ""), "green"),
        "label": f"{case.number} {named(case.type)}",
        "url": row["url"],
    }


def action_button(case: Case, option: ActionOption, back: str) -> dict[str, Any]:
    """Return the button of an action this person may take now.

    An action that asks nothing is sent at once; one that asks, or that ends the case, opens a form.
    """
    look = look_of(option.action)
    asks = bool(option.requires) or look.is_danger or bool(look.consequence)
    return action_link(case, option.action, back) | {"asks": asks}


def action_buttons(case: Case, options: Iterable[ActionOption], back: str) -> list[dict[str, Any]]:
    """Return the buttons of all actions, the main one first."""
    return sorted((action_button(case, option, back) for option in options), key=urgency_of)


def urgency_of(button: dict[str, Any]) -> tuple[bool, bool]:
    """Order buttons: the main action, then decisions somebody waits for, then the table's order."""
    return not button["is_primary"], button["action"] not in DECISIONS


def action_link(case: Case, action: str, back: str) -> dict[str, Any]:
    """Return the way to an action's form; whether it may be taken is asked there."""
    look = look_of(action)
    return {
        "action": action,
        "label": ACTION_LABELS[action],
        "icon": look.icon,
        "key": look.key,
        "is_primary": look.is_primary,
        "is_danger": look.is_danger,
        "consequence": look.consequence,
        "asks": True,
        "url": reverse("cases:act", args=[case.number, action]),
        "back": back,
    }


def photo_data(photo: Photo, *captions: str) -> dict[str, Any]:
    """Return a photo with the addresses of its two sizes."""
    return {
        "id": photo.pk,
        "url": f"/photos/{photo.pk}/large/",
        "thumbnail_url": f"/photos/{photo.pk}/small/",
        "alt": ", ".join(captions) or _("Photo"),
        "captions": captions,
    }


def photo_groups(case: Case) -> dict[str, Any]:
    """Return the first photo of the report, the last after handling, and the others: one query."""
    uses = list(case.photos.select_related("photo"))
    before = next((use for use in uses if use.purpose == CasePhoto.Purpose.BEFORE), None)
    after = next((use for use in reversed(uses) if use.purpose == CasePhoto.Purpose.AFTER), None)
    shown = {use.pk: photo_data(use.photo, *photo_captions(use)) for use in uses}
    return {
        "before": shown[before.pk] if before else None,
        "after": shown[after.pk] if after else None,
        "more": [shown[use.pk] for use in uses if use not in (before, after)],
    }


def thumbnails_of(case_ids: Iterable[int]) -> dict[int, list[str]]:
    """Return by case the small pictures of how it was and how it is now: one query."""
    purposes = (CasePhoto.Purpose.BEFORE, CasePhoto.Purpose.AFTER)
    uses = CasePhoto.objects.filter(case_id__in=list(case_ids), purpose__in=purposes)
    ids: dict[int, dict[str, int]] = {}
    for case_id, purpose, photo_id in uses.order_by("pk").values_list(
        "case_id", "purpose", "photo_id"
    ):
        of_case = ids.setdefault(case_id, {})
        if purpose == CasePhoto.Purpose.AFTER or purpose not in of_case:
            of_case[purpose] = photo_id
    return {
        case_id: [f"/photos/{found[purpose]}/small/" for purpose in purposes if purpose in found]
        for case_id, found in ids.items()
    }


def photo_captions(use: CasePhoto) -> tuple[str, ...]:
    """Return what is written on a photo: what it is for and when it was taken."""
    label = str(use.get_purpose_display())
    if use.photo.taken_at is None:
        return (label,)
    return (label, f"{timezone.localtime(use.photo.taken_at):%m-%d %H:%M}")
