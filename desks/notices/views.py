"""Notices: the strip on every page, the page of all that is meant for the reader, publishing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.idempotency import MAX_KEY, run_once
from accounts.models import Organisation
from accounts.roles import ROLES, Role
from cases.views.actions import refusal, safe_address, sent_body
from common import clock
from common.errors import DomainError
from common.templatetags.ui import named
from desks.models import Notice, NoticeReceipt
from desks.notices.services import (
    PUBLISHERS,
    notice_publish,
    notice_read,
    notice_withdraw,
    notices_for,
    notices_unread,
    readers_of,
)

HAS_UNREAD = "notices"  # the cookie of somebody who was shown some
MOST_LISTED = 100
USUAL_DAYS = 7
MOMENT = forms.DateTimeInput(
    attrs={"class": "input", "type": "datetime-local"}, format="%Y-%m-%dT%H:%M"
)


class NoticeForm(forms.Form):
    """What is announced, to whom, for how long."""

    title = forms.CharField(
        label=gettext_lazy("Title"), max_length=80, widget=forms.TextInput({"class": "input"})
    )
    text = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=4000,
        widget=forms.Textarea({"class": "input", "rows": 4}),
    )
    is_urgent = forms.BooleanField(label=gettext_lazy("Urgent"), required=False)
    roles = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Roles"),
        help_text=gettext_lazy("none: everybody"),
        coerce=Role,
        required=False,
        choices=[(role.value, definition.label) for role, definition in ROLES.items()],
        widget=forms.CheckboxSelectMultiple,
    )
    organisations = forms.ModelMultipleChoiceField(
        Organisation.objects.none(),
        label=gettext_lazy("Organisations"),
        help_text=gettext_lazy("with those below them; none: every organisation"),
        required=False,
        widget=forms.SelectMultiple({"class": "input", "size": 6}),
    )
    starts_at = forms.DateTimeField(label=pgettext_lazy("time", "From"), widget=MOMENT)
    ends_at = forms.DateTimeField(label=pgettext_lazy("time", "To"), widget=MOMENT)
    key = forms.CharField(max_length=MAX_KEY, widget=forms.HiddenInput)

    def __init__(self, *args: Any, city_id: int | None, now: datetime, **kwargs: Any) -> None:
        local = timezone.localtime(now)
        initial = {
            "starts_at": local,
            "ends_at": local + timedelta(days=USUAL_DAYS),
            "key": str(uuid4()),
        }
        super().__init__(*args, initial=initial, **kwargs)
        bodies = Organisation.objects.filter(city=city_id, is_active=True).order_by("path")
        self.fields["organisations"].queryset = bodies
        self.fields["organisations"].label_from_instance = lambda body: (
            "　" * (body.path.count(".") - 1) + named(body)
        )


def publishes(request: HttpRequest) -> bool:
    """Tell whether the reader may publish."""
    return bool(set(PUBLISHERS) & request.user.roles)


def holds_at(row: Notice, now: datetime) -> bool:
    """Tell whether a notice holds at a moment."""
    return row.withdrawn_at is None and row.starts_at <= now < row.ends_at


@require_safe
def strip(request: HttpRequest) -> HttpResponse:
    """Show the notices that hold now and were not read; further pages bring them along."""
    now = clock.now()
    unread = notices_unread(request.user, now)
    response = render(request, "desks/notices/_strip.html", {"notices": unread, "now": now})
    if unread:
        response.set_cookie(HAS_UNREAD, "1", httponly=True, samesite="Lax")
    elif HAS_UNREAD in request.COOKIES:
        response.delete_cookie(HAS_UNREAD)
    return response


def publish(request: HttpRequest, data: dict[str, Any], now: datetime) -> None:
    """Publish a notice once, however often its form is sent."""
    key = data.pop("key")

    def act() -> tuple[int, str]:
        return 200, str(notice_publish(actor=request.user, now=now, **data).pk)

    run_once(
        user=request.user,
        key=key,
        operation="page:notice",
        body=sent_body(request),
        now=now,
        act=act,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def notices(request: HttpRequest) -> HttpResponse:
    """List what is meant for the reader; publishers see all, and publish by a POST."""
    now, form, error, status = clock.now(), None, None, 200
    if publishes(request):
        form = NoticeForm(request.POST or None, city_id=request.user.city_id, now=now)
    if request.method == "POST":
        if form is None:
            raise Http404
        status = 400
        if form.is_valid():
            try:
                publish(request, form.cleaned_data, now)
                messages.success(request, _("The notice is published."))
                return redirect("desks:notices")
            except DomainError as refused:
                error, status = refusal(refused), refused.status
    rows = notices_for(request.user)
    if form is None:
        rows = rows.filter(starts_at__lte=now, withdrawn_at__isnull=True)
    context = {
        "now": now,
        "form": form,
        "error": error,
        "rows": [
            {"notice": row, "holds": holds_at(row, now)}
            for row in rows.select_related("published_by")[:MOST_LISTED]
        ],
    }
    return render(request, "desks/notices/list.html", context, status=status)


@require_safe
def notice(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Show one notice; to publishers with who has read it and who has not."""
    row = notices_for(request.user).select_related("published_by").filter(pk=notice_id).first()
    now = clock.now()
    if row is None and publishes(request):
        mine = Notice.objects.filter(pk=notice_id, city=request.user.city_id)
        row = mine.select_related("published_by").first()
    if row is None or (not publishes(request) and row.starts_at > now):
        raise Http404
    context: dict[str, Any] = {"now": now, "notice": row, "publishes": publishes(request)}
    context["is_read"] = getattr(row, "is_read", True)
    context["holds"] = holds_at(row, now)
    if context["publishes"]:
        context["audience"] = [ROLES[Role(code)].label for code in row.roles]
        context["bodies"] = list(row.organisations.all())
        receipts = NoticeReceipt.objects.filter(notice=row).select_related("person__organisation")
        context["receipts"] = list(receipts.order_by("read_at"))
        have_read = {receipt.person_id for receipt in context["receipts"]}
        people = readers_of(row).select_related("organisation").order_by("display_name")
        context["waiting"] = [person for person in people if person.pk not in have_read]
    return render(request, "desks/notices/detail.html", context)


@require_POST
def read(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Note that the reader has read a notice."""
    notice_read(actor=request.user, notice_id=notice_id, now=clock.now())
    if request.htmx:
        return HttpResponse()
    return redirect(safe_address(request, request.POST.get("next", ""), "/notices/"))


@require_POST
def withdraw(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Take a notice off the desks."""
    notice_withdraw(actor=request.user, notice_id=notice_id, now=clock.now())
    messages.success(request, _("The notice is withdrawn."))
    return redirect("desks:notice", notice_id)
