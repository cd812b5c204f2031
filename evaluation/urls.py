"""Addresses of evaluation's pages."""

from django.urls import include, path

from evaluation.analysis.views import comparing, hotspots, limits, report
from evaluation.pages.views import closing, ranking

app_name = "evaluation"

urlpatterns = [
    path("", ranking.board, name="board"),
    path("figure/", ranking.figure, name="figure"),
    path("cases/", ranking.cases, name="cases"),
    path("export.<slug:form>", ranking.export, name="export"),
    path("contracts/", include("evaluation.contracts.urls")),
    path("compare/", comparing.comparison, name="compare"),
    path("hot-spots/", hotspots.spots, name="hot-spots"),
    path("hot-spots/cases/", hotspots.spot_cases, name="hot-spot"),
    path("report.<slug:form>", report.report, name="report"),
    path("limits/", limits.limits, name="limits"),
    path("limits/<int:standard_id>/<slug:grade>/", limits.limit, name="limit"),
    path("limits/<int:standard_id>/<slug:grade>/cases/", limits.limit_cases, name="limit-cases"),
    path(
        "limits/<int:standard_id>/<slug:grade>/propose/",
        limits.limit_proposed,
        name="limit-propose",
    ),
    path(
        "limits/proposals/<int:proposal_id>/<slug:answer>/",
        limits.proposal_decided,
        name="proposal-decide",
    ),
    path("periods/", closing.periods, name="periods"),
    path("periods/open/", closing.period_open, name="period-open"),
    path("periods/<int:evaluation_id>/check/", closing.period_check, name="period-check"),
    path("periods/<int:evaluation_id>/publish/", closing.period_publish, name="period-publish"),
    path("appeals/", closing.appeals, name="appeals"),
    path("appeals/new/<int:fact_id>/", closing.appeal_new, name="appeal-new"),
    path("appeals/<int:appeal_id>/", closing.appeal, name="appeal"),
    path("appeals/<int:appeal_id>/<slug:answer>/", closing.appeal_answer, name="appeal-answer"),
]
