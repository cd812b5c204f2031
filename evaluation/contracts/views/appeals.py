"""Appeals on lines of a statement."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import for_roles
from common import clock
from common.errors import DomainError
from evaluation.contracts.appeals import line_appeal, line_appeal_decide, line_appeal_reverse
from evaluation.contracts.pages import StatementPage
from evaluation.contracts.statements import AGREERS
from evaluation.contracts.views.reading import fen_read, statement_visible
from evaluation.services.appeals import DECIDERS


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*AGREERS)
def appeal_new(request: HttpRequest, statement_id: int) -> HttpResponse:
    """Appeal on a line of the own statement."""
    now = clock.now()
    page = StatementPage(statement_visible(request, statement_id), request.user, now)
    key = request.GET.get("line", "")
    row = next((each for lot in page.lots for each in lot.rows if each.key == key), None)
    row = row or next((each for each in page.settled if each.key == key), None)
    if row is None:
        raise Http404
    error, status = None, 200
    if request.method == "POST":
        try:
            line_appeal(
                actor=request.user,
                statement_id=statement_id,
                line=key,
                reason=request.POST.get("reason", ""),
                now=now,
            )
        except DomainError as refused:
            error, status = {"message": refused.message}, refused.status
        else:
            messages.success(request, _("Your appeal waits for a decision of the centre."))
            return redirect("evaluation:statement", statement_id)
    context = {
        "page": page,
        "row": row,
        "error": error,
        "typed": request.POST.get("reason", ""),
        "now": now,
    }
    return render(request, "evaluation/contracts/appeal.html", context, status=status)


@require_POST
@for_roles(*DECIDERS)
def appeal_answer(request: HttpRequest, line_appeal_id: int, answer: str) -> HttpResponse:
    """Uphold, reject or reverse an appeal on a line."""
    now = clock.now()
    if answer == "reverse":
        found = line_appeal_reverse(actor=request.user, appeal_id=line_appeal_id, now=now)
    elif answer in ("uphold", "reject"):
        found = line_appeal_decide(
            actor=request.user,
            appeal_id=line_appeal_id,
            uphold=answer == "uphold",
            answer=request.POST.get("answer", ""),
            granted_fen=fen_read(request.POST.get("granted", "")) if answer == "uphold" else 0,
            now=now,
        )
    else:
        raise Http404
    messages.success(request, _("The decision is kept; the amount due follows it."))
    return redirect("evaluation:statement", found.statement_id)
