"""Addresses of people and organisations in API v1."""

from __future__ import annotations

from django.urls import path

from accounts.api.organisations import OrganisationListView

urlpatterns = [path("organisations/", OrganisationListView.as_view())]
