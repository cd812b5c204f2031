"""Addresses of evaluation's pages."""

from django.urls import include, path

from evaluation.pages.views import closing, ranking

app_name = "evaluation"

urlpatterns = [
    path("", ranking.board, name="board"),
    path("figure/", ranking.figure, name="figure"),
    path("cases/", ranking.cases, name="cases"),
    path("export.<slug:form>", ranking.export, name="export"),
    path("contracts/", include("evaluation.contracts.urls")),
    path("periods/", closing.periods, name="periods"),
    path("periods/open/", closing.period_open, name="period-open"),
    path("periods/<int:evaluation_id>/check/", closing.period_check, name="period-check"),
    path("periods/<int:evaluation_id>/publish/", closing.period_publish, name="period-publish"),
    path("appeals/", closing.appeals, name="appeals"),
    path("appeals/new/<int:fact_id>/", closing.appeal_new, name="appeal-new"),
    path("appeals/<int:appeal_id>/", closing.appeal, name="appeal"),
    path("appeals/<int:appeal_id>/<slug:answer>/", closing.appeal_answer, name="appeal-answer"),
]
