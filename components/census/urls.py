"""Addresses of the census' pages."""

from django.urls import path

from components.census import views

app_name = "census"

urlpatterns = [
    path("", views.survey_list, name="list"),
    path("<int:survey_id>/", views.survey, name="survey"),
    path("<int:survey_id>/progress/", views.progress, name="progress"),
    path("<int:survey_id>/preview/", views.preview, name="preview"),
    path("<int:survey_id>/report/", views.report, name="report"),
    path("<int:survey_id>/errors/", views.errors, name="errors"),
    path("<int:survey_id>/act/<slug:action>/", views.survey_act, name="act"),
    path("<int:survey_id>/parts/<int:part_id>/", views.part, name="part"),
    path("<int:survey_id>/parts/<int:part_id>/<slug:action>/", views.part_act, name="part-act"),
    path("<int:survey_id>/confirm/<int:body_id>/", views.confirm, name="confirm"),
]
