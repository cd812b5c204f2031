"""Addresses of the funds' pages."""

from django.urls import path

from dispatch.funds.views import ledger, overview, works
from dispatch.funds.views.evidence import evidence_file

app_name = "funds"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("works/", works.works, name="works"),
    path("works/<int:work_id>/<slug:action>/", works.act, name="act"),
    path("cases/<slug:number>/panel/", works.case_panel, name="panel"),
    path("cases/<slug:number>/quote/", works.quote, name="quote"),
    path("evidence/<int:evidence_id>/<slug:size>/", evidence_file, name="evidence"),
    path("books/<slug:code>/", ledger.ledger, name="ledger"),
    path("books/<slug:code>/export/", ledger.export, name="export"),
    path("books/<slug:code>/entries/<int:entry_id>/reverse/", ledger.reverse_entry, name="reverse"),
    path("books/<slug:code>/<slug:action>/", ledger.book, name="book"),
]
