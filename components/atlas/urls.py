"""Addresses of the atlas."""

from django.urls import path

from components.atlas.views import atlas

app_name = "atlas"

urlpatterns = [path("", atlas, name="atlas")]
