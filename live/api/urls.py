"""Address of the event feed."""

from __future__ import annotations

from django.urls import path

from live.api.views import EventFeedView

urlpatterns = [path("events/", EventFeedView.as_view())]
