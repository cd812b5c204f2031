"""Addresses of the grid's own fragments."""

from django.urls import path

from grid import views

app_name = "grid"

urlpatterns = [
    path("places/options/", views.place_options, name="place-options"),
    path("communities/options/", views.area_options, name="area-options"),
]
