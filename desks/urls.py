"""Addresses of the pages that show several apps together, and of the map's tiles."""

from django.urls import path

from desks.map import tile_views
from desks.map import views as map_views
from desks.views import supervision
from desks.wall import views as wall_views

app_name = "desks"

urlpatterns = [
    path("supervision/", supervision, name="supervision"),
    path("wall/", wall_views.wall, name="wall"),
    path("wall/snapshot/", wall_views.snapshot, name="wall-snapshot"),
    path("wall/evaluation/", wall_views.evaluation, name="wall-evaluation"),
    path("wall/ground/", wall_views.wall_ground, name="wall-ground"),
    path("wall/cards/", wall_views.cards, name="wall-cards"),
    path("wall/remote/<slug:code>/", wall_views.direct, name="wall-direct"),
    path("map/", map_views.city_map, name="map"),
    path("map/search/", map_views.search, name="map-search"),
    path("map/components/<int:component_id>/", map_views.component, name="map-component"),
    path("tiles/<slug:layer>.json", tile_views.tile_json, name="tile-json"),
    path("tiles/<slug:layer>/<int:z>/<int:x>/<int:y>.mvt", tile_views.tile, name="tile"),
]
