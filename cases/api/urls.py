"""Addresses of the cases part of API v1."""

from __future__ import annotations

from django.urls import path

from cases.api import views
from cases.api.meta import MetaView

urlpatterns = [
    path("cases/", views.CaseListView.as_view()),
    path("cases/<str:number>/", views.CaseDetailView.as_view()),
    path("cases/<str:number>/events/", views.CaseEventsView.as_view()),
    path("cases/<str:number>/actions/<str:action>/", views.CaseActionView.as_view()),
    path("meta/", MetaView.as_view()),
    path("photos/", views.PhotoUploadView.as_view()),
]
