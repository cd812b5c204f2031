"""Addresses of the pages that show several apps together."""

from django.urls import path

from desks.views import supervision

app_name = "desks"

urlpatterns = [path("supervision/", supervision, name="supervision")]
