"""A person's inbox of notifications, the bell in the header, how they want to be told."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common import clock
from common.errors import DomainError
from common.text import whole_number
from live.notifications.forms import PreferenceForm
from live.notifications.presenters import bell_context, inbox_context, reached
from live.notifications.selectors import notification_get, preference_of
from live.notifications.services import (
    notifications_read,
    notifications_read_until,
    preference_set,
)
from live.notifications.wording import path_of

MOST_IDS = 500


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """Show what the reader was told: unread first, or all in order, or only what is urgent."""
    context = inbox_context(request.user, request.GET, clock.now())
    return render(request, "notifications/inbox.html", context)


@require_safe
def count(request: HttpRequest) -> HttpResponse:
    """Return the bell with the number of unread notifications, for every page's header."""
    page = request.headers.get("HX-Current-URL", "").split("?")[0]
    is_open = page.endswith(reverse("notifications:inbox"))
    return render(request, "notifications/_bell.html", bell_context(request.user, is_open))


@require_POST
def read(request: HttpRequest) -> HttpResponse:
    """Mark some or all that were shown as read; htmx gets the list again, a form the page."""
    now, position = clock.now(), request.POST.get("until", "")
    if position:
        notifications_read_until(person=request.user, position=number(position), now=now)
    else:
        ids = [number(each) for each in request.POST.getlist("ids")[:MOST_IDS]]
        notifications_read(person=request.user, ids=ids, now=now)
    if not request.htmx:
        return redirect("notifications:inbox")
    context = inbox_context(request.user, request.POST, now)
    response = render(request, "notifications/_list.html", context)
    response["HX-Trigger"] = "notifications-changed"
    return response


@require_POST
def open_case(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark one as read and go to what it is about; 404 where the reader sees it no more."""
    notification = notification_get(request.user, pk)
    if notification is None:
        raise Http404
    notifications_read(person=request.user, ids=[pk], now=clock.now())
    return redirect(path_of(notification))


@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Show and keep how the reader wants to be told."""
    sent = request.POST if request.method == "POST" else None
    form = PreferenceForm(sent, instance=preference_of(request.user))
    if sent is not None and form.is_valid():
        preference_set(person=request.user, **form.cleaned_data)
        return redirect(f"{reverse('notifications:preferences')}?saved=1")
    context = {
        "form": form,
        "reached": reached(request.user, form),
        "is_saved": "saved" in request.GET,
    }
    status = 400 if form.is_bound else 200
    return render(request, "notifications/preferences.html", context, status=status)


def number(text: str) -> int:
    """Return a whole number somebody sent; refuse anything else."""
    if (found := whole_number(text)) is None:
        raise DomainError("invalid", _("This must be a whole number."))
    return found
