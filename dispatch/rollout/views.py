"""The rollout of district desks, for the administrator: what works, what a switch would move."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import for_roles
from accounts.roles import Role
from cases.models import DeskRule
from cases.views.actions import refusal
from common import clock
from common.errors import DomainError
from common.templatetags.ui import named
from common.text import whole_number
from dispatch.models import DeskSwitch
from dispatch.rollout.forms import SwitchForm
from dispatch.rollout.selectors import cases_to_take, desk_get, desk_rows
from dispatch.rollout.services import desk_switch, switch_withdraw

RECENT = 30


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.ADMINISTRATOR)
def desks(request: HttpRequest) -> HttpResponse:
    """Show the desks; with a desk chosen, what its switch would move; then switch it."""
    if request.method == "POST":
        return sent(request)
    return shown(request)


def sent(request: HttpRequest) -> HttpResponse:
    """Switch a desk, or withdraw a switch whose day has not come."""
    now = clock.now()
    try:
        number = whole_number(request.POST.get("withdraw", ""))
        if number is not None:
            switch_withdraw(actor=request.user, switch_id=number, now=now)
            messages.success(request, _("The planned switch was withdrawn."))
            return redirect("dispatch:desks")
        form = SwitchForm(request.POST)
        if not form.is_valid():
            return shown(request, form=form, status=400)
        switch = desk_switch(actor=request.user, now=now, **form.cleaned_data)
    except DomainError as refused:
        return shown(request, error=refusal(refused), status=refused.status)
    messages.success(request, said(switch))
    return redirect("dispatch:desks")


def said(switch: DeskSwitch) -> str:
    """Return in a line what came of a switch."""
    words = {"desk": named(switch.organisation), "count": switch.moved_count}
    if switch.applied_at is None:
        return _("%(desk)s: planned for %(day)s.") % (words | {"day": switch.effective_date})
    if switch.is_on:
        return _("%(desk)s works now; cases moved there: %(count)d.") % words
    return _("%(desk)s no longer works; cases moved to the city's desk: %(count)d.") % words


def shown(
    request: HttpRequest,
    *,
    form: SwitchForm | None = None,
    error: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show the page."""
    now = clock.now()
    today = timezone.localdate(now)
    context = {
        "now": now,
        "rows": desk_rows(request.user.city, today) if request.user.city else [],
        "rules": DeskRule.objects.filter(city=request.user.city_id).select_related(
            "type_class", "type", "area"
        ),
        "switches": DeskSwitch.objects.filter(
            organisation__city=request.user.city_id
        ).select_related("organisation", "asked_by", "withdrawn_by")[:RECENT],
        "error": error,
    }
    code = form.data.get("code") if form else request.GET.get("desk", "")
    if code:
        context |= preview(request, code, form)
    return render(request, "dispatch/rollout/desks.html", context, status=status)


def preview(request: HttpRequest, code: str, form: SwitchForm | None) -> dict[str, Any]:
    """Return what switching a desk over would move now."""
    today = timezone.localdate(clock.now())
    desk = desk_get(user=request.user, code=code)
    is_on = not desk.has_dispatch_desk
    cases = cases_to_take(desk, today, is_on=is_on)
    initial = {"code": desk.code, "is_on": "1" if is_on else "0", "from_date": today}
    return {
        "chosen": desk,
        "is_on": is_on,
        "count": len(cases),
        "examples": cases[:5],
        "form": form or SwitchForm(initial=initial),
    }
