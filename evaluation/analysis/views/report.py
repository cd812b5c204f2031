"""The monthly analysis report as a document to take along."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import for_roles
from common import clock
from evaluation.analysis.printing import report_pdf
from evaluation.analysis.reading import day_read, sight_read
from evaluation.analysis.report import report_make
from evaluation.sight import OVERSEERS

FORMS = {"pdf": ("application/pdf", report_pdf)}


@require_safe
@for_roles(*OVERSEERS)
def report(request: HttpRequest, form: str) -> HttpResponse:
    """Return the report of the month that holds a day."""
    if form not in FORMS:
        raise Http404
    now = clock.now()
    day = day_read(request.GET, "day", timezone.localdate(now))
    made = report_make(day=day, sight=sight_read(request.user, now), now=now)
    kind, write = FORMS[form]
    response = HttpResponse(write(made), content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="report-{day:%Y-%m}.{form}"'
    return response
