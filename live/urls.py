"""Addresses of what pages ask for while they are open."""

from django.urls import path

from live.views import rows

app_name = "live"

urlpatterns = [path("live/rows/", rows, name="rows")]
