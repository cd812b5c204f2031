"""What the file of a case prints: facts, stages, photos, clocks, requests, the chained history.

It says what the case page says, from the same functions. Who reported is printed only for readers
who may see personal data; what was erased is printed as erased.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import SEE_PERSONAL_DATA, may
from cases.case_page import clock_rows, clocks_of_run, request_rows, stages, timeline
from cases.models import ApprovalRequest, Case
from cases.parts import parts_of
from cases.presenters import photo_captions
from cases.selectors import case_timeline
from cases.services.photos import photo_path
from cases.services.verify import case_verify
from cases.workflow import STATE_LABELS
from common.durations import duration_text, limit_text
from common.templatetags.ui import named
from common.typesetting import typeset_pdf

TEMPLATE = Path(__file__).with_name("case.typ")
MOST_PHOTOS = 60


def case_pdf(*, case: Case, reader: User, now: datetime) -> bytes:
    """Return the file of a case as a PDF, in the language of now."""
    uses = parts_of(case).photos[:MOST_PHOTOS]
    pictures: dict[str, str | bytes] = {}
    photos = []
    for number, use in enumerate(uses):
        path = settings.MEDIA_ROOT / photo_path(use.photo.sha256, "small")
        if path.is_file():
            pictures[f"photo-{number}.jpg"] = path.read_bytes()
            caption = " · ".join(photo_captions(use))
            photos.append({"file": f"photo-{number}.jpg", "caption": caption})
    return typeset_pdf(TEMPLATE, file_data(case, reader, now) | {"photos": photos}, pictures)


def file_data(case: Case, reader: User, now: datetime) -> dict[str, Any]:
    """Return everything but the photos."""
    clocks = clocks_of_run(case)
    requests = ApprovalRequest.objects.filter(case=case).select_related("asked_by", "decided_by")
    events = timeline(case_timeline(case))
    return {
        "title": f"{case.number} {_('Case file')}",
        "number": case.number,
        "language": "en" if (get_language() or "").startswith("en") else "zh",
        "type": f"{case.type.code} {named(case.type)}" if case.type else "",
        "state": str(STATE_LABELS[case.state]),
        "place": f"{case.address}　{named(case.district)} {named(case.street)}"
        f" {named(case.community)}",
        "description": case.description,
        "facts": facts(case, reader),
        "stages": [stage_cells(stage) for stage in stages(case, clocks, now)],
        "closing": list(case.closing_conditions),
        "clocks": [clock_cells(row) for row in clock_rows(clocks, now)],
        "requests": [request_cells(row) for row in request_rows(requests)],
        "events": [event_cells(event) for event in reversed(events)],
        "verdict": verdict(case, now),
        "head": case.history_head,
        "printed": _("Printed %(moment)s by %(person)s")
        % {"moment": moment(now), "person": reader},
        "words": words(case),
    }


def words(case: Case) -> dict[str, Any]:
    """Return the words of the page, in the language of now."""
    return {
        "city": _("%(city)s city management") % {"city": named(case.city)},
        "file": _("Case file"),
        "stages": _("Stages"),
        "photos": _("Photos"),
        "closing": _("What closes it"),
        "clocks": _("Clocks"),
        "requests": _("Requests"),
        "history": _("History"),
        "head": _("Digest of the last step"),
        "stage-columns": [
            _("Stage"),
            _("Done"),
            pgettext("stage", "Planned"),
            _("Took"),
            pgettext("stage", "By"),
        ],
        "clock-columns": [
            _("Stage"),
            _("Charged to"),
            _("Took"),
            _("Limit"),
            _("Deadline"),
            _("Result"),
        ],
        "request-columns": [
            _("Request"),
            _("Asked by"),
            _("Reason"),
            pgettext("request", "Status"),
        ],
        "history-columns": [_("Time"), _("Step"), _("Digest")],
    }


def facts(case: Case, reader: User) -> list[tuple[str, str]]:
    """Return the case's facts; who reported only to who may see it."""
    rows = [
        (_("Source"), case.get_source_display()),
        (_("Reported"), moment(case.reported_at)),
        (_("Urgency"), case.get_urgency_display()),
        (_("Cell"), case.cell_code),
        (_("Desk"), named(case.desk)),
        (_("Department"), named(case.department)),
    ]
    if case.component:
        rows.append((_("Component"), case.component.code))
    if case.limit_value is not None:
        rows.append((_("Limit"), limit_text(case.limit_value, case.limit_unit)))
    person = parts_of(case).person
    if person is not None and may(reader.roles, SEE_PERSONAL_DATA):
        said = _("erased") if person.erased_at else f"{person.name} {person.phone}".strip()
        rows.append((_("Caller"), said))
    if len(rows) % 2:
        rows.append(("", ""))
    return rows


def verdict(case: Case, now: datetime) -> dict[str, Any]:
    """Return whether the chain holds, in words."""
    with transaction.atomic():
        findings = case_verify(case)
    if findings:
        sentence = _("The history does not hold: tell the administrator.")
    else:
        sentence = _("The history holds: %(steps)s steps, each chained to the one before.") % {
            "steps": case.history_length
        }
    return {
        "sentence": f"{sentence} {moment(now)}",
        "holds": not findings,
        "findings": [str(finding.message) for finding in findings],
    }


def moment(at: datetime | None) -> str:
    """Return a moment in the city's time."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}" if at else ""


def stage_cells(stage: dict[str, Any]) -> list[str]:
    """Return a stage's row."""
    who = stage.get("organisation") or stage.get("person")
    used = stage.get("used")
    return [
        str(stage["label"]),
        moment(stage.get("at")),
        moment(stage.get("planned_at")),
        "" if used is None else duration_text(used),
        name_of(who),
    ]


def clock_cells(row: dict[str, Any]) -> list[str]:
    """Return a clock's row."""
    return [
        str(row["label"]),
        name_of(row.get("organisation") or row.get("charged_to")),
        duration_text(row["used"]),
        row["limit"],
        moment(row["chip"].get("due_at")),
        str(row["chip"].get("text", _("running"))),
    ]


def request_cells(row: dict[str, Any]) -> list[str]:
    """Return a request's row."""
    decided = f" {row['decided_by']} {moment(row['decided_at'])}" if row["decided_at"] else ""
    return [
        str(row["label"]),
        f"{row['person']} {moment(row['at'])}",
        " ".join(filter(None, (row["reason"], row["decision_note"]))),
        f"{row['status']}{decided}",
    ]


def event_cells(event: dict[str, Any]) -> dict[str, Any]:
    """Return a step of the history."""
    names = dict.fromkeys((str(event["person"]), str(event["role"])))  # the system is its own post
    who = " ".join(filter(None, names))
    if event["principal"]:
        who += " " + _("for %(person)s") % {"person": event["principal"]}
    lines = [*map(str, event["details"]), *filter(None, [event["note"]])]
    return {
        "at": f"{timezone.localtime(event['at']):%Y-%m-%d %H:%M:%S}",
        "label": str(event["label"]),
        "who": who,
        "lines": lines,
        "hash": event["hash"][:16],
    }


def name_of(who: Any) -> str:
    """Return the name of a body or a person."""
    return "" if who is None else named(who) or str(who)
