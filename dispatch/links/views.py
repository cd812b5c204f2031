"""The pages of links for whoever has a log-in: send one, see its answer, count contractors."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import segno
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import for_roles
from accounts.roles import Role
from cases.presenters import case_row, photo_data
from cases.selectors import case_get_visible, may_act
from cases.situation import Situation
from cases.views.actions import refusal, safe_address
from common import clock
from common.errors import DomainError
from common.text import whole_number
from dispatch.links.forms import ContractorForm, RejectForm, SendForm
from dispatch.links.selectors import (
    LinkNotFound,
    contractor_rows,
    contractors_of,
    link_of,
    order_in_hand,
    standing_answer,
)
from dispatch.links.services import (
    answer_photos_copy,
    answer_reject,
    contractor_add,
    contractor_switch,
    link_revoke,
    link_send,
)

HANDLERS = (Role.DEPARTMENT_CLERK, Role.DEPARTMENT_HEAD, Role.PROXY_SQUAD)
NOTE_IN_ADDRESS = 300  # of a contractor's note, put into the form that completes the order


def link_panel(situation: Situation) -> dict[str, Any] | None:
    """Return what the desks show of a case's link; None for those who have no order in hand."""
    order = situation.order_in_hand
    if order is None or not order.is_under_way or not may_act(situation, "send_link"):
        return None
    link = link_of(order, situation.now)
    answer = standing_answer(link)
    return {
        "url": reverse("links:case", args=[situation.case.number]),
        "link": link,
        "answer": answer,
        "photos": [photo_data(photo) for photo in answer.photos.all()] if answer else [],
    }


class CasePage:
    """One request about the link of one case."""

    def __init__(self, request: HttpRequest, number: str) -> None:
        self.request = request
        self.now = clock.now()
        self.case = case_get_visible(user=request.user, number=number)
        sent = request.POST.get("next") or request.GET.get("next", "")
        self.back = safe_address(request, sent, reverse("cases:detail", args=[self.case.number]))
        self.order = order_in_hand(self.case, request.user, self.now)
        if self.order is None:
            raise LinkNotFound

    def answer(self, *, status: int = 200, **context: Any) -> HttpResponse:
        """Show the page as it is now."""
        self.case = case_get_visible(user=self.request.user, number=self.case.number)
        link = link_of(self.order, self.now)
        standing = standing_answer(link)
        forms = {} if link else {"form": self.send_form()}
        base = {
            "now": self.now,
            "case": self.case,
            "row": case_row(self.case, self.now),
            "order": self.order,
            "back": self.back,
            "link": link,
            "standing": standing,
            "photos": [photo_data(photo) for photo in standing.photos.all()] if standing else [],
            "reject_form": RejectForm() if standing else None,
            "earlier": self.order.links.exclude(pk=link.pk if link else None)
            .select_related("contractor", "sent_by")
            .prefetch_related("answers"),
        }
        return render(
            self.request, "dispatch/links/case.html", base | forms | context, status=status
        )

    def send_form(self, data: Any = None) -> SendForm:
        contractors = contractors_of(self.order.organisation).filter(is_active=True)
        return SendForm(data, contractors=contractors, initial={"task": self.order.task})

    def version(self) -> int:
        """Return the version the page showed; a form without one is none of ours."""
        version = whole_number(self.request.POST.get("version", ""), 9)
        if version is None:
            raise LinkNotFound
        return version


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*HANDLERS)
def case_link(request: HttpRequest, number: str) -> HttpResponse:
    """Show the link of the order in hand; send, revoke, reject its answer, or complete with it."""
    page = CasePage(request, number)
    act = ACTS.get(request.POST.get("action", "")) if request.method == "POST" else None
    if act is None:
        return page.answer()
    try:
        return act(page)
    except DomainError as refused:
        if refused.status == 404:
            raise
        return page.answer(error=refusal(refused), status=refused.status)


def send(page: CasePage) -> HttpResponse:
    """Open a link and show it, with its QR: the only time it is seen."""
    form = page.send_form(page.request.POST)
    if not form.is_valid():
        return page.answer(form=form, status=400)
    data, actor = form.cleaned_data, page.request.user
    contractor = data["contractor"] or contractor_add(
        actor=actor, department=page.order.organisation, name=data["name"], phone=data["phone"]
    )
    try:
        _link, token = link_send(
            case_id=page.case.pk,
            actor=actor,
            contractor=contractor,
            task=data["task"],
            days=data["days"],
            now=page.now,
            version=page.version(),
        )
    except DomainError as refused:
        if refused.status == 404:
            raise
        return page.answer(form=form, error=refusal(refused), status=refused.status)
    address = address_of(page.request, token)
    return page.answer(address=address, qr=qr_code(address))


def address_of(request: HttpRequest, token: str) -> str:
    """Return where a link leads, as the contractor's phone reaches it."""
    path = reverse("links:public", args=[token])
    return f"{settings.SITE_URL}{path}" if settings.SITE_URL else request.build_absolute_uri(path)


def qr_code(address: str) -> str:
    """Draw a QR of level M as SVG; it holds nothing but the modules."""
    return mark_safe(  # noqa: S308  segno writes the markup, the address is only encoded
        segno.make(address, error="m", micro=False).svg_inline(border=4, omitsize=True)
    )


def revoke(page: CasePage) -> HttpResponse:
    """End the link."""
    link_revoke(case_id=page.case.pk, actor=page.request.user, now=page.now, version=page.version())
    messages.success(page.request, _("The link was revoked: its page is gone."))
    return redirect(page.request.get_full_path())


def reject(page: CasePage) -> HttpResponse:
    """Let the contractor answer again."""
    form = RejectForm(page.request.POST)
    if not form.is_valid():
        return page.answer(reject_form=form, status=400)
    answer_reject(
        case_id=page.case.pk,
        actor=page.request.user,
        reason=form.cleaned_data["reason"],
        now=page.now,
        version=page.version(),
    )
    messages.success(page.request, _("The contractor may answer again by the same link."))
    return redirect(page.request.get_full_path())


def complete(page: CasePage) -> HttpResponse:
    """Open the form that completes the order, with the contractor's photos and note filled in."""
    answer = standing_answer(link_of(page.order, page.now))
    if answer is None:
        raise LinkNotFound
    photos = answer_photos_copy(answer=answer, owner=page.request.user, now=page.now)
    action = "complete" if page.order.is_lead else "complete_sub_order"
    query = {
        "next": page.back,
        "note": answer.note[:NOTE_IN_ADDRESS],
        "photos": [photo.pk for photo in photos],
    }
    address = reverse("cases:act", args=[page.case.number, action])
    return redirect(f"{address}?{urlencode(query, doseq=True)}")


ACTS = {"send": send, "revoke": revoke, "reject": reject, "complete": complete}


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*HANDLERS)
def contractors(request: HttpRequest) -> HttpResponse:
    """Count what each contractor was sent and answered; add one, or offer one no longer."""
    form, status = ContractorForm(request.POST or None), 200
    if request.method == "POST":
        try:
            if switched(request) or added(request, form):
                return redirect("links:contractors")
        except DomainError as refused:
            if refused.status == 404:
                raise
            form.add_error(None, str(refused.message))
        status = 400
    now = clock.now()
    rows = list(contractor_rows(request.user.organisation, now))
    context = {"now": now, "rows": rows, "form": form}
    return render(request, "dispatch/links/contractors.html", context, status=status)


def switched(request: HttpRequest) -> bool:
    """Offer a contractor no longer, or again, if that is what was sent."""
    number = whole_number(request.POST.get("contractor", ""))
    if number is None:
        return False
    is_active = request.POST.get("is_active") == "1"
    contractor_switch(actor=request.user, contractor_id=number, is_active=is_active)
    return True


def added(request: HttpRequest, form: ContractorForm) -> bool:
    """Add the contractor of a filled form to the reader's own department."""
    if not form.is_valid() or request.user.organisation is None:
        return False
    contractor_add(actor=request.user, department=request.user.organisation, **form.cleaned_data)
    return True
