"""Addresses of the plates' pages."""

from django.urls import path

from components.plates.views import plate, plates

app_name = "plates"

urlpatterns = [
    path("", plates, name="list"),
    path("<str:code>/", plate, name="plate"),
]
