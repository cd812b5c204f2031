"""The page of a link, for a contractor's phone: no log-in, no script, nothing about who reported.

Whatever cannot be shown (never given, revoked, expired, done by others) is the same page with 404.
Tokens nobody was given are counted per visitor, answers per link: who tries too often has to wait.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cases.services.photos import SIZES
from cases.views.photos import photo_response
from cases.views.plates import visitor_of
from common import clock
from common.errors import DomainError
from common.throttle import Throttle
from dispatch.links.forms import AnswerForm
from dispatch.links.selectors import LinkNotFound, LinkPage, Stage, link_page, shown_photos
from dispatch.links.services import AnswerStands, link_answer, link_opened

GUESSES = Throttle("links", limit=30, seconds=600)  # unknown links of one visitor
SENDINGS = Throttle("link answers", limit=20, seconds=600)  # answers sent by one link


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def public(request: HttpRequest, token: str) -> HttpResponse:
    """Show an order to the contractor who holds its link, and take the answer."""
    try:
        page = sought(request, token)
        if request.method == "POST":
            return sent(request, token, page)
    except DomainError as refused:
        return render(
            request, "dispatch/links/gone.html", {"error": refused}, status=refused.status
        )
    if page.stage is Stage.OPEN:
        link_opened(link=page.link, now=clock.now())
    return shown(request, token, page, AnswerForm(initial={"key": str(uuid4())}))


def sought(request: HttpRequest, token: str) -> LinkPage:
    """Return the page of a token; count tokens nobody was given, and refuse who tries many."""
    at, visitor = timezone.now(), visitor_of(request)
    GUESSES.check(visitor, at)
    try:
        return link_page(token=token, now=clock.now())
    except LinkNotFound:
        GUESSES.count(visitor, at)
        raise


def sent(request: HttpRequest, token: str, page: LinkPage) -> HttpResponse:
    """Take the answer; what was wrong is said beside the fields, what was written is kept."""
    at, visitor = timezone.now(), f"link {page.link.pk}"
    SENDINGS.check(visitor, at)
    SENDINGS.count(visitor, at)
    form = AnswerForm(request.POST, request.FILES)
    if not form.is_valid():
        return shown(request, token, page, form, status=400)
    data = form.cleaned_data
    try:
        link_answer(
            token=token,
            key=data["key"],
            outcome=data["outcome"],
            note=data["note"],
            uploads=data["photos"],
            now=clock.now(),
        )
    except AnswerStands:
        pass  # the page shows the answer that stands
    except LinkNotFound:
        raise
    except DomainError as refused:
        form.add_refusal(refused)
        return shown(request, token, page, form, status=refused.status)
    return redirect("links:public", token)


def shown(
    request: HttpRequest, token: str, page: LinkPage, form: AnswerForm, status: int = 200
) -> HttpResponse:
    """Show only what the work needs."""
    sent_ids = {photo.pk for photo in page.answer.photos.all()} if page.answer else set()
    photos = [(photo.pk in sent_ids, photo_links(token, photo.pk)) for photo in shown_photos(page)]
    context: dict[str, Any] = {
        "now": clock.now(),
        "page": page,
        "link": page.link,
        "case": page.case,
        "order": page.link.order,
        "stage": page.stage.value,
        "form": form if page.stage is Stage.OPEN else None,
        "photos": [links for is_sent, links in photos if not is_sent],
        "sent_photos": [links for is_sent, links in photos if is_sent],
    }
    response = render(request, "dispatch/links/public.html", context, status=status)
    response["Referrer-Policy"] = "same-origin"  # without any, browsers send forms from nowhere
    response["X-Robots-Tag"] = "noindex"
    return response


def photo_links(token: str, photo_id: int) -> dict[str, str]:
    """Return the addresses of a photo's two sizes under the link."""
    return {size: reverse("links:photo", args=[token, photo_id, size]) for size in SIZES}


@login_not_required
@require_safe
def photo(request: HttpRequest, token: str, photo_id: int, size: str) -> HttpResponseBase:
    """Send a photo that the page of this link shows."""
    try:
        page = sought(request, token)
    except DomainError as refused:
        raise Http404 from refused
    found = next((each for each in shown_photos(page) if each.pk == photo_id), None)
    if found is None or size not in SIZES:
        raise Http404
    return photo_response(found, size)
