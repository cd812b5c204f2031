"""The page of duties: hand one over, take it back, stand in for somebody and end that."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.delegation import (
    SESSION_KEY,
    colleagues_of,
    duties_hand_over,
    duties_of,
    duty_take_back,
    running,
    standing_in,
)
from accounts.models import Delegation, User
from accounts.roles import ROLES, Role
from common import clock
from common.errors import DomainError

SHOWN_FOR = timedelta(days=92)
MOST_SHOWN = 50
MOMENT = forms.DateTimeInput(
    attrs={"class": "input", "type": "datetime-local"}, format="%Y-%m-%dT%H:%M"
)


class HandOverForm(forms.Form):
    """To whom, which duties, from when to when."""

    colleague = forms.ModelChoiceField(
        User.objects.none(),
        label=gettext_lazy("Colleague"),
        empty_label=gettext_lazy("choose…"),
        widget=forms.Select(attrs={"class": "input"}),
    )
    roles = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Duties"), coerce=Role, widget=forms.CheckboxSelectMultiple
    )
    starts_at = forms.DateTimeField(label=pgettext_lazy("time", "From"), widget=MOMENT)
    ends_at = forms.DateTimeField(label=pgettext_lazy("time", "To"), widget=MOMENT)
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"class": "input"}),
    )

    def __init__(self, *args: Any, user: User, now: datetime, **kwargs: Any) -> None:
        local = timezone.localtime(now)
        duties = duties_of(user)
        initial = {
            "starts_at": local,
            "ends_at": local.replace(hour=23, minute=59),
            "roles": [role.value for role in duties] if len(duties) == 1 else [],
        }
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["colleague"].queryset = colleagues_of(user)
        self.fields["roles"].choices = [(role.value, ROLES[role].label) for role in duties]


@require_http_methods(["GET", "HEAD", "POST"])
def duties(request: HttpRequest) -> HttpResponse:
    """Show what was handed over and to whom one may stand in; a POST hands over."""
    now, form, error, status = clock.now(), None, None, 200
    if duties_of(request.user):
        form = HandOverForm(request.POST or None, user=request.user, now=now)
    if request.method == "POST":
        if form is None:
            raise Http404
        status = 400
        if form.is_valid():
            try:
                duties_hand_over(
                    principal=request.user, actor=request.user, now=now, **form.cleaned_data
                )
                person = form.cleaned_data["colleague"]
                messages.success(request, _("Handed over to %(person)s.") % {"person": person})
                return redirect("duties:duties")
            except DomainError as refused:
                error, status = refused.message, refused.status
    user = request.user
    seen = Delegation.objects.filter(
        Q(principal=user.pk) | Q(colleague=user.pk), ends_at__gt=now - SHOWN_FOR
    ).select_related("principal", "colleague", "given_by", "revoked_by")
    rows = [duty_row(row, now) for row in seen[:MOST_SHOWN]]
    context = {
        "now": now,
        "form": form,
        "error": error,
        "given": [row for row in rows if row["duty"].principal_id == user.pk],
        "taken": [row for row in rows if row["duty"].colleague_id == user.pk],
    }
    return render(request, "accounts/duties.html", context, status=status)


def duty_row(row: Delegation, now: datetime) -> dict[str, Any]:
    """Return a duty with its name and how it stands."""
    if row.revoked_at is not None:
        state = _("taken back")
    elif row.ends_at <= now:
        state = _("ended")
    else:
        state = _("in force") if row.starts_at <= now else _("planned")
    return {
        "duty": row,
        "label": ROLES[Role(row.role)].label,
        "state": state,
        "runs": row.runs_at(now),
        "may_end": row.revoked_at is None and row.ends_at > now,
    }


@require_POST
def take_back(request: HttpRequest, delegation_id: int) -> HttpResponse:
    """End what was handed over."""
    duty_take_back(delegation_id=delegation_id, actor=request.user, now=clock.now())
    messages.success(request, _("The duty was taken back."))
    return redirect("duties:duties")


@require_POST
def stand_in(request: HttpRequest, principal_id: int) -> HttpResponse:
    """Stand in for a principal from now on, in this session; go to their desk."""
    person = standing_in(user=request.user, principal_id=principal_id, now=clock.now())
    request.session[SESSION_KEY] = principal_id
    return redirect(person.home)


@require_POST
def stand_down(request: HttpRequest) -> HttpResponse:
    """Be oneself again."""
    request.session.pop(SESSION_KEY, None)
    return redirect("home")


@require_safe
def menu(request: HttpRequest) -> HttpResponse:
    """Show in the account's menu for whom one may stand in now."""
    rows = running(clock.now()).filter(colleague=request.user.pk).select_related("principal")
    people = {row.principal_id: row.principal for row in rows}
    return render(request, "accounts/_duties_menu.html", {"people": people.values()})
