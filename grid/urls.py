"""Addresses of the map tiles, and of places for a field."""

from django.urls import path

from grid import views

app_name = "grid"

urlpatterns = [
    path("tiles/base/<int:z>/<int:x>/<int:y>.mvt", views.base_tile, name="base-tile"),
    path("tiles/cells/<int:z>/<int:x>/<int:y>.mvt", views.grid_tile, name="grid-tile"),
    path("places/options/", views.place_options, name="place-options"),
]
