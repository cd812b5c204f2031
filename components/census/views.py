"""Pages of the census: the surveys, one survey, one of its parts, a body's rows to confirm."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import for_permission
from accounts.models import User
from accounts.roles import CONFIRM_SURVEYS, IMPORT_SURVEYS, REVIEW_SURVEYS, may
from common import clock
from common.errors import DomainError
from common.text import clean_text, whole_number
from components.census import services
from components.census.mapping import FIELDS
from components.census.models import MappingProfile, Survey, SurveyConfirmation, SurveyPart
from components.census.presenters import (
    error_rows,
    finding_groups,
    finding_points,
    part_rows,
    preview_points,
    progress_of,
    rows_to_confirm,
    survey_row,
)
from components.census.problems import problem_sentence
from components.census.report import report_write
from components.census.selectors import (
    bad_places,
    first_lines,
    problem_counts,
)
from components.census.workflow import (
    PARTS_WORKING,
    SURVEY_ACTIONS,
    Coverage,
    Datum,
    PartState,
    SurveyState,
)
from components.models import CaseType, TypeKind

LIST_LENGTH = 50
ROWS_SHOWN = 50
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def surveys_of(user: User):
    """Return the surveys of a person's city; others do not exist for them."""
    working = Count("parts", filter=Q(parts__state__in=PARTS_WORKING))
    wanted = Count("parts", filter=~Q(parts__state=PartState.SENT_BACK))
    return (
        Survey.objects.filter(city=user.city_id)
        .select_related("uploaded_by", "city")
        .annotate(working_count=working, wanted_count=wanted)
    )


def confirmations_of(user: User):
    """Return what a person's body, or one below it, is or was asked to confirm."""
    if user.organisation is None or not may(user.roles, CONFIRM_SURVEYS):
        return SurveyConfirmation.objects.none()
    return SurveyConfirmation.objects.filter(
        organisation__path__startswith=user.organisation.path, survey__city=user.city_id
    ).select_related("organisation", "survey__uploaded_by")


@require_http_methods(["GET", "HEAD", "POST"])
@for_permission(IMPORT_SURVEYS, REVIEW_SURVEYS, CONFIRM_SURVEYS)
def survey_list(request: HttpRequest) -> HttpResponse:
    """Show the surveys and what the reader's body has to confirm; take a new file."""
    user, error = request.user, None
    may_import = may(user.roles, IMPORT_SURVEYS)
    if request.method == "POST":
        if not may_import:
            return render(request, "403.html", status=403)
        try:
            return redirect("census:survey", _upload(request).pk)
        except DomainError as refused:
            error = {"message": refused.message, "kept": _("Nothing was kept of the file.")}
    sees_all = may_import or may(user.roles, REVIEW_SURVEYS)
    surveys = surveys_of(user)[:LIST_LENGTH] if sees_all else []
    context = {
        "surveys": [survey_row(each) for each in surveys],
        "to_confirm": confirmations_of(user).order_by("-survey_id")[:LIST_LENGTH],
        "may_import": may_import,
        "sees_all": sees_all,
        "error": error,
    }
    return render(request, "components/census_list.html", context, status=400 if error else 200)


def _upload(request: HttpRequest) -> Survey:
    file = request.FILES.get("file")
    if file is None or request.user.city is None:
        raise DomainError("missing_field", _("Choose a file."), {"file": [_("Choose a file.")]})
    return services.survey_upload(
        actor=request.user,
        city=request.user.city,
        name=file.name or "",
        upload=file,
        now=clock.now(),
        encoding=request.POST.get("encoding", ""),
    )


@require_safe
@for_permission(IMPORT_SURVEYS, REVIEW_SURVEYS)
def survey(request: HttpRequest, survey_id: int) -> HttpResponse:
    """Show one survey: what it waits for, and what can be done with it now."""
    found = get_object_or_404(surveys_of(request.user), pk=survey_id)
    return render(request, "components/census_survey.html", survey_context(request, found))


def survey_context(request: HttpRequest, found: Survey, error: Any = None) -> dict[str, Any]:
    """Return what the page of a survey needs in its state."""
    user = request.user
    context = {
        "survey": found,
        "row": survey_row(found),
        "progress": progress_of(found),
        "may_import": may(user.roles, IMPORT_SURVEYS),
        "may_review": may(user.roles, REVIEW_SURVEYS) and found.uploaded_by_id != user.pk,
        "is_own": found.uploaded_by_id == user.pk,
        "may": {
            action: may(user.roles, IMPORT_SURVEYS) and found.state in states
            for action, (states, _target) in SURVEY_ACTIONS.items()
        },
        "error": error,
    }
    if found.state in (SurveyState.UPLOADED, SurveyState.REFUSED, SurveyState.CANCELLED):
        return context | set_up_context(found)
    counts = problem_counts(found)
    for row in counts:
        row["sentence"] = problem_sentence(row["problem"])
    return context | {
        "problems": counts,
        "parts": part_rows(found),
        "confirmations": found.confirmations.select_related("organisation", "answered_by"),
        "reviewing": found.parts.filter(state=PartState.REVIEWING).count(),
    }


def set_up_context(found: Survey) -> dict[str, Any]:
    """Return what setting a survey up needs: columns, choices, the first lines."""
    mapping = found.mapping
    columns, constants = mapping.get("columns", {}), mapping.get("constants", {})
    attributes = {header: name for name, header in mapping.get("attributes", {}).items()}
    fields = [
        {
            "name": name,
            "label": label,
            "column": columns.get(name, ""),
            "constant": constants.get(name, ""),
        }
        for name, label in FIELDS.items()
    ]
    return {
        "fields": fields,
        "headers": [
            {"name": name, "attribute": attributes.get(name, "")} for name in found.headers
        ],
        "attribute_names": services.attribute_names(),
        "lines": first_lines(found),
        "datums": Datum.choices,
        "coverages": Coverage.choices,
        "profiles": MappingProfile.objects.filter(city=found.city_id),
        "types": CaseType.objects.filter(kind=TypeKind.COMPONENT).order_by("code"),
        "values_text": values_text(mapping.get("values", {})),
    }


def values_text(values: dict[str, dict[str, str]]) -> str:
    """Return translations of texts as people type them: one a line, type: 甲 = 乙."""
    return "\n".join(
        f"{field}: {old} = {new}" for field, texts in values.items() for old, new in texts.items()
    )


def values_read(text: str) -> dict[str, dict[str, str]]:
    """Return the translations in such a text; raise DomainError for a line that is none."""
    values: dict[str, dict[str, str]] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        field, colon, rest = line.partition(":")
        old, equals, new = rest.partition("=")
        if not (colon and equals and field.strip() in FIELDS):
            raise DomainError(
                "invalid",
                _("This is no translation: “%(line)s”. Write: type: 公交站 = 公交站亭")
                % {"line": line[:60]},
            )
        values.setdefault(field.strip(), {})[old.strip()] = new.strip()
    return values


def mapping_posted(request: HttpRequest, found: Survey) -> dict[str, Any]:
    """Return the mapping of the form, or of the profile that was chosen."""
    data = request.POST
    if data.get("profile"):
        chosen = numbers([data["profile"]])
        return get_object_or_404(MappingProfile, pk__in=chosen, city=found.city_id).mapping
    return {
        "columns": {name: data.get(f"column-{name}", "") for name in FIELDS},
        "constants": {name: data.get(f"constant-{name}", "") for name in FIELDS},
        "attributes": {
            data[f"attribute-{position}"]: header
            for position, header in enumerate(found.headers, 1)
            if data.get(f"attribute-{position}")
        },
        "values": values_read(data.get("values", "")),
    }


def numbers(texts: Iterable[str]) -> list[int]:
    """Return those texts that are numbers of rows."""
    return [number for text in texts if (number := whole_number(text)) is not None]


def day_posted(text: str) -> date | None:
    """Return the day of a form, None where it is left out; raise DomainError for what is none."""
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if text and day is None:
        raise DomainError("invalid", _("This must be a date."))
    return day


@require_safe
@for_permission(IMPORT_SURVEYS, REVIEW_SURVEYS)
def progress(request: HttpRequest, survey_id: int) -> HttpResponse:
    """Return the progress of a survey; when the work is over, let the page load anew."""
    found = get_object_or_404(surveys_of(request.user), pk=survey_id)
    state = progress_of(found)
    response = render(
        request, "components/_census_progress.html", {"survey": found, "progress": state}
    )
    if not state["is_working"]:
        response["HX-Refresh"] = "true"
    return response


@require_safe
@for_permission(IMPORT_SURVEYS)
def preview(request: HttpRequest, survey_id: int) -> HttpResponse:
    """Show where the first rows would lie, with the datum and the columns chosen so far."""
    found = get_object_or_404(surveys_of(request.user), pk=survey_id)
    context: dict[str, Any] = {"survey": found}
    try:
        context |= preview_points(found, request.GET)
    except DomainError as refused:
        context["error"] = {"message": refused.message}
    return render(request, "components/_census_preview.html", context)


@require_safe
@for_permission(IMPORT_SURVEYS, REVIEW_SURVEYS)
def report(request: HttpRequest, survey_id: int) -> HttpResponseBase:
    """Send the rows with errors as a workbook."""
    found = get_object_or_404(surveys_of(request.user), pk=survey_id)
    file = io.BytesIO()
    report_write(found, file)
    file.seek(0)
    name = _("errors of survey %(number)s.xlsx") % {"number": found.pk}
    return FileResponse(file, as_attachment=True, filename=name, content_type=XLSX)


@require_safe
@for_permission(IMPORT_SURVEYS, REVIEW_SURVEYS)
def errors(request: HttpRequest, survey_id: int) -> HttpResponse:
    """Show rows with errors, of one kind if asked, and where they lie."""
    found = get_object_or_404(surveys_of(request.user), pk=survey_id)
    problem = clean_text(request.GET.get("problem", ""))
    after = sum(numbers([request.GET.get("after", "")]))
    rows = error_rows(found, problem, after, ROWS_SHOWN)
    places = bad_places(found, problem=problem)
    points = [
        {"lon": lon, "lat": lat, "light": "red", "label": f"{line}: {problem_sentence(wrong[0])}"}
        for line, lon, lat, wrong in places
    ]
    context = {
        "survey": found,
        "problem": problem,
        "sentence": problem_sentence(problem) if problem else _("All rows with errors"),
        "rows": rows,
        "next": rows[-1]["line"] if len(rows) == ROWS_SHOWN else 0,
        "points": points,
    }
    return render(request, "components/census_errors.html", context)


@require_POST
@for_permission(IMPORT_SURVEYS, REVIEW_SURVEYS)
def survey_act(request: HttpRequest, survey_id: int, action: str) -> HttpResponse:
    """Do something to a survey, and show it again."""
    found = get_object_or_404(surveys_of(request.user), pk=survey_id)
    act = SURVEY_ACTS.get(action)
    if act is None:
        raise Http404
    permission, do = act
    if not may(request.user.roles, permission):
        return render(request, "403.html", status=403)
    try:
        do(request, found)
    except DomainError as refused:
        error = {"message": refused.message, "kept": _("Nothing was changed.")}
        found.refresh_from_db()
        context = survey_context(request, found, error)
        return render(request, "components/census_survey.html", context, status=refused.status)
    return redirect("census:survey", found.pk)


def _start(request: HttpRequest, found: Survey) -> None:
    data = request.POST
    services.survey_start(
        actor=request.user,
        survey_id=found.pk,
        now=clock.now(),
        mapping=mapping_posted(request, found),
        datum=data.get("datum", "") if data.get("datum") in Datum.values else "",
        crs=data.get("crs", "").strip()[:500],
        source=data.get("source", "").strip(),
        surveyed_date=day_posted(data.get("surveyed_date", "")),
        coverage=Coverage.PART if data.get("coverage") == Coverage.PART else Coverage.WHOLE,
        is_near_allowed=bool(data.get("is_near_allowed")),
        profile_name=data.get("profile_name", ""),
    )


def _correct(request: HttpRequest, found: Survey) -> None:
    file = request.FILES.get("file")
    if file is None:
        raise DomainError("missing_field", _("Choose a file."))
    services.survey_correct(
        actor=request.user,
        survey_id=found.pk,
        name=file.name or "",
        upload=file,
        now=clock.now(),
    )


def _submit(request: HttpRequest, found: Survey) -> None:
    days = 0 if request.POST.get("without_confirming") else None
    services.survey_submit(actor=request.user, survey_id=found.pk, now=clock.now(), days=days)


def _compare(request: HttpRequest, found: Survey) -> None:
    services.survey_compare(actor=request.user, survey_id=found.pk, now=clock.now())


def _cancel(request: HttpRequest, found: Survey) -> None:
    services.survey_cancel(actor=request.user, survey_id=found.pk, now=clock.now())
    messages.success(request, _("The survey is cancelled; the register is as it was."))


def _approve_all(request: HttpRequest, found: Survey) -> None:
    count = services.parts_approve(
        actor=request.user,
        survey_id=found.pk,
        now=clock.now(),
        reason=request.POST.get("reason", ""),
    )
    messages.success(request, _("%(count)s communities are being published.") % {"count": count})


SURVEY_ACTS = {
    "start": (IMPORT_SURVEYS, _start),
    "correct": (IMPORT_SURVEYS, _correct),
    "submit": (IMPORT_SURVEYS, _submit),
    "compare": (IMPORT_SURVEYS, _compare),
    "cancel": (IMPORT_SURVEYS, _cancel),
    "approve": (REVIEW_SURVEYS, _approve_all),
}


@require_safe
@for_permission(IMPORT_SURVEYS, REVIEW_SURVEYS)
def part(request: HttpRequest, survey_id: int, part_id: int) -> HttpResponse:
    """Show what a survey found in one community."""
    found = part_of(request, survey_id, part_id)
    return render(request, "components/census_part.html", part_context(request, found))


def part_of(request: HttpRequest, survey_id: int, part_id: int) -> SurveyPart:
    """Return a part of a survey the reader may see."""
    parts = SurveyPart.objects.filter(survey__city=request.user.city_id, survey=survey_id)
    return get_object_or_404(
        parts.select_related("survey__uploaded_by", "community", "decided_by", "undone_by"),
        pk=part_id,
    )


def part_context(request: HttpRequest, found: SurveyPart, error: Any = None) -> dict[str, Any]:
    """Return what the page of a part needs."""
    user = request.user
    return {
        "part": found,
        "survey": found.survey,
        "groups": finding_groups(found),
        "points": finding_points(found),
        "may_review": may(user.roles, REVIEW_SURVEYS) and found.survey.uploaded_by_id != user.pk,
        "is_own": found.survey.uploaded_by_id == user.pk,
        "is_open": found.state in (PartState.WAITING, PartState.REVIEWING),
        "is_reviewing": found.state == PartState.REVIEWING,
        "is_waiting": found.state == PartState.WAITING
        and found.survey.state == SurveyState.REVIEWING,
        "is_published": found.state == PartState.PUBLISHED,
        "error": error or ({"message": found.error} if found.error else None),
    }


@require_POST
@for_permission(REVIEW_SURVEYS)
def part_act(request: HttpRequest, survey_id: int, part_id: int, action: str) -> HttpResponse:
    """Do something to a part, and show it again."""
    found = part_of(request, survey_id, part_id)
    do = PART_ACTS.get(action)
    if do is None:
        raise Http404
    common = {"actor": request.user, "part_id": found.pk}
    try:
        do(request, common)
    except DomainError as refused:
        error = {"message": refused.message, "kept": _("Nothing was changed.")}
        found.refresh_from_db()
        context = part_context(request, found, error)
        return render(request, "components/census_part.html", context, status=refused.status)
    return redirect("census:part", survey_id, found.pk)


def _decide(request: HttpRequest, common: dict[str, Any]) -> None:
    data = request.POST
    chosen = numbers(data.getlist("finding"))
    services.findings_decide(
        **common,
        is_accepted=data.get("decision") == "accept",
        kind=data.get("kind", ""),
        findings=None if data.get("all") else chosen,
    )


PART_ACTS = {
    "decide": _decide,
    "approve": lambda request, common: services.part_approve(
        **common, now=clock.now(), reason=request.POST.get("reason", "")
    ),
    "send-back": lambda request, common: services.part_send_back(
        **common, now=clock.now(), reason=request.POST.get("reason", "")
    ),
    "roll-back": lambda request, common: services.part_roll_back(
        **common, now=clock.now(), reason=request.POST.get("reason", "")
    ),
    "claim": lambda request, common: services.part_claim(**common, now=clock.now()),
}


@require_http_methods(["GET", "HEAD", "POST"])
@for_permission(CONFIRM_SURVEYS)
def confirm(request: HttpRequest, survey_id: int, body_id: int) -> HttpResponse:
    """Show a body the rows that name it; take its word."""
    asked = get_object_or_404(
        confirmations_of(request.user), survey=survey_id, organisation=body_id
    )
    error, status = None, 200
    if request.method == "POST":
        try:
            _confirm(request, asked)
            messages.success(request, _("Your word is recorded. Thank you."))
            return redirect("census:list")
        except DomainError as refused:
            error, status = {"message": refused.message}, refused.status
    context = {
        "asked": asked,
        "survey": asked.survey,
        **rows_to_confirm(asked, ROWS_SHOWN * 4),
        "is_open": asked.answer == SurveyConfirmation.Answer.OPEN
        and asked.survey.state == SurveyState.CONFIRMING,
        "days_left": days_left(asked.survey.confirm_by_date),
        "error": error,
    }
    return render(request, "components/census_confirm.html", context, status=status)


def days_left(until: date | None) -> int:
    """Return how many days are left until a date, never fewer than none."""
    return max((until - timezone.localdate(clock.now())).days, 0) if until else 0


def _confirm(request: HttpRequest, asked: SurveyConfirmation) -> None:
    data = request.POST
    lines = numbers(data.getlist("line"))
    reason = data.get("reason", "")
    services.survey_confirm(
        actor=request.user,
        survey_id=asked.survey_id,
        organisation=asked.organisation,
        now=clock.now(),
        objections={line: data.get(f"reason-{line}", "") or reason for line in lines},
        note=data.get("note", "")[:2000],
    )
