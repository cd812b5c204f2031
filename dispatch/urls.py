"""Addresses of the dispatch app's pages."""

from django.urls import path

from dispatch.views import dispatch, inbox

app_name = "dispatch"

urlpatterns = [
    path("dispatch/", dispatch, name="dispatch"),
    path("inbox/", inbox, name="inbox"),
]
