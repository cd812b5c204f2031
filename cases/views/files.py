"""The case as a whole: whether its history holds, and its file as a PDF."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cases.casefile.document import case_pdf
from cases.selectors import case_get_visible
from cases.services.verify import case_verify
from common import clock


@require_safe
def case_verdict(request: HttpRequest, number: str) -> HttpResponse:
    """Compute the chain of one case again and say whether it holds: a fragment of its page."""
    case = case_get_visible(user=request.user, number=number)
    with transaction.atomic():
        findings = case_verify(case)
    context = {"case": case, "findings": findings, "now": clock.now()}
    return render(request, "cases/_verdict.html", context)


@require_safe
def case_file(request: HttpRequest, number: str) -> HttpResponse:
    """Send the file of a case as a PDF."""
    case = case_get_visible(user=request.user, number=number)
    content = case_pdf(case=case, reader=request.user, now=clock.now())
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="case-{case.number}.pdf"'
    response["Cache-Control"] = "private, no-store"
    return response
