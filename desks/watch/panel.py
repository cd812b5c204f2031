"""The watch of the system on /supervision/: signs of life, what is stuck, what was."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db.models import Min
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy

from cases.models import CaseClock
from cases.workflow import CLOCK_LABELS, STATE_LABELS
from common.durations import duration_text
from common.health import BEAT, BEAT_LATE_AFTER, DEADLINES, WATCH
from common.models import Heartbeat
from desks.models import WatchFinding
from desks.watch.checks import SCAN_SILENT_AFTER, queue_lengths
from desks.watch.services import CHECK_FAILED, NOBODY_WATCHED
from live.reports import live_state

KINDS: dict[str, str | Promise] = {
    "case_without_clock": gettext_lazy("Open case without a running clock"),
    "clock_astray": gettext_lazy("Clock of another state"),
    "step_unhandled": gettext_lazy("Deadline step not done"),
    "breach_unmarked": gettext_lazy("Missed deadline without a record"),
    "event_without_position": gettext_lazy("Event not in the log"),
    "event_without_delivery": gettext_lazy("Event nobody is told of"),
    "fact_differs": gettext_lazy("Facts that are not what the events say"),
    "scan_silent": gettext_lazy("Deadlines are not scanned"),
    "queue_stuck": gettext_lazy("Queue is not worked off"),
    CHECK_FAILED: gettext_lazy("A check of the watch failed"),
    NOBODY_WATCHED: gettext_lazy("Nobody watched"),
}
# What shows that the parts work together: (name, label, silent after)
SIGNS = (
    (BEAT, pgettext_lazy("sign of life", "Beat and workers"), BEAT_LATE_AFTER),
    (DEADLINES, pgettext_lazy("sign of life", "Deadline scan"), SCAN_SILENT_AFTER),
    (WATCH, pgettext_lazy("sign of life", "Watch"), timedelta(minutes=3)),
)
CLOCK_NAMES = {kind.value: label for kind, label in CLOCK_LABELS.items()}
SHOWN = 4  # findings of a kind
RECENT = 5
LOOK_BACK = timedelta(days=1)
# What has never shown that it lives may just be starting, as long as this process is young.
STARTED_AT = timezone.now()
STARTING_FOR = timedelta(minutes=1)


def system_panel(now: datetime) -> dict[str, Any]:
    """Return the panel: five queries, whatever is stuck."""
    signs = signs_of_life(timezone.now())
    groups = open_findings(now)
    return {
        "signs": signs,
        "cause": cause_of_silence(signs),
        "oldest": oldest_due(now),
        "groups": groups,
        "count": sum(group["count"] for group in groups),
        "closed": [finding_row(row, now) for row in recently_closed(now)],
        "is_well": not groups and all(sign["is_well"] for sign in signs),
    }


def signs_of_life(real_now: datetime) -> list[dict[str, Any]]:
    """Return how long ago each part last showed that it lives; real time, not a demo's."""
    heartbeats = dict(Heartbeat.objects.values_list("name", "at"))
    signs = [sign(label, heartbeats.get(name), after, real_now) for name, label, after in SIGNS]
    return [*signs, live_sign()]


def live_sign() -> dict[str, Any]:
    """Return how many pages are told what happens, and how soon; real seconds."""
    state, label = live_state(), pgettext("sign of life", "Live pages")
    if state.age is None:
        return {"label": label, "is_well": False, "age": _("never")}
    if not state.is_well:
        silent = _("%(duration)s ago") % {"duration": duration_text(state.age)}
        return {"label": label, "is_well": False, "age": silent}
    words = ngettext("%(count)s page", "%(count)s pages", state.line_count)
    words %= {"count": state.line_count}
    if state.median_delay is not None and state.slow_delay is not None:
        words = _("%(pages)s · delay %(median).2f s, 99 %% within %(slow).2f s") % {
            "pages": words,
            "median": state.median_delay,
            "slow": state.slow_delay,
        }
    return {"label": label, "is_well": True, "age": words}


def is_living(last: datetime | None, after: timedelta, real_now: datetime) -> bool:
    """Tell whether a part shows that it lives, or may just be starting."""
    if last is None:
        return real_now - STARTED_AT < STARTING_FOR
    return real_now - last <= after


def sign(
    label: str | Promise, last: datetime | None, after: timedelta, real_now: datetime
) -> dict[str, Any]:
    """Return one sign with its age in words."""
    is_well = is_living(last, after, real_now)
    if last is None:
        said = pgettext("sign of life", "starting") if is_well else _("never")
        return {"label": label, "is_well": is_well, "age": said}
    age = max(real_now - last, timedelta())
    seconds = int(age.total_seconds())
    words = _("%(seconds)s s ago") % {"seconds": seconds}
    if age >= timedelta(minutes=1):
        words = _("%(duration)s ago") % {"duration": duration_text(age)}
    return {"label": label, "is_well": is_well, "age": words}


def cause_of_silence(signs: list[dict[str, Any]]) -> str:
    """Say why nothing comes, as far as can be told; asked only when beat is silent."""
    if signs[0]["is_well"]:
        return ""
    waiting = queue_lengths()
    if waiting is None:
        return _("Redis does not answer: nobody wakes the workers.")
    if total := sum(waiting.values()):
        return _("%(count)s tasks wait: no worker takes them.") % {"count": total}
    return _("Nothing is sent: beat does not run, or workers have just begun.")


def oldest_due(now: datetime) -> str:
    """Return for how long the oldest step that is due has waited; empty when none is."""
    oldest = CaseClock.objects.filter(next_at__lt=now).aggregate(oldest=Min("next_at"))["oldest"]
    return duration_text(now - oldest) if oldest else ""


def open_findings(now: datetime) -> list[dict[str, Any]]:
    """Return what is stuck, by kind, the first few of each."""
    still_open = WatchFinding.objects.filter(closed_at__isnull=True).select_related("case")
    rows = list(still_open.order_by("kind", "opened_at", "pk"))
    groups = []
    for kind, findings in groupby(rows, key=attrgetter("kind")):
        own = list(findings)
        groups.append(
            {
                "label": KINDS.get(kind, kind),
                "count": len(own),
                "rows": [finding_row(row, now) for row in own[:SHOWN]],
                "more": max(len(own) - SHOWN, 0),
            }
        )
    return groups


def recently_closed(now: datetime) -> list[WatchFinding]:
    """Return what was found and is gone, the latest first, of the last day."""
    closed = WatchFinding.objects.filter(closed_at__gte=now - LOOK_BACK).select_related("case")
    return list(closed.order_by("-closed_at", "-pk")[:RECENT])


def finding_row(finding: WatchFinding, now: datetime) -> dict[str, Any]:
    """Return a finding with what it is about, since when, and for how long."""
    case = finding.case
    return {
        "label": KINDS.get(finding.kind, finding.kind),
        "subject": case.number if case else finding.subject,
        "url": reverse("cases:detail", args=[case.number]) if case else "",
        "words": words_of(finding),
        "opened_at": finding.opened_at,
        "closed_at": finding.closed_at,
        "lasted": duration_text((finding.closed_at or now) - finding.opened_at),
    }


def words_of(finding: WatchFinding) -> str:
    """Return the details in words: state, clock, how many wait, for how long."""
    data, words = finding.data, []
    if state := data.get("state"):
        words.append(str(STATE_LABELS.get(state, state)))
    if kind := data.get("clock"):
        words.append(str(CLOCK_NAMES.get(kind, kind)))
    if waiting := data.get("waiting"):
        words.append(_("%(count)s tasks wait") % {"count": waiting})
    if seconds := data.get("seconds"):
        words.append(_("silent for %(duration)s") % {"duration": duration_text(seconds)})
    if since := data.get("since"):
        local = timezone.localtime(datetime.fromisoformat(since))
        words.append(_("since %(moment)s") % {"moment": f"{local:%m-%d %H:%M}"})
    return " · ".join(words)
