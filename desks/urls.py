"""Addresses of the pages that show several apps together, and of the map's tiles."""

from django.urls import path

from desks.map import tile_views
from desks.map import views as map_views
from desks.notices import views as notice_views
from desks.shifts import views as shift_views
from desks.views import panel, supervision
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
    path("supervision/panels/<slug:name>/", panel, name="panel"),
    path("supervision/shift/", shift_views.shift, name="shift"),
    path("supervision/shift/entries/", shift_views.write_entry, name="shift-entry"),
    path("supervision/shift/points/<int:entry_id>/", shift_views.close_point, name="point-close"),
    path("supervision/shift/hand-over/", shift_views.hand_over, name="shift-hand-over"),
    path("supervision/shift/<int:handover_id>/receive/", shift_views.receive, name="shift-receive"),
    path("notices/", notice_views.notices, name="notices"),
    path("notices/strip/", notice_views.strip, name="notices-strip"),
    path("notices/<int:notice_id>/", notice_views.notice, name="notice"),
    path("notices/<int:notice_id>/read/", notice_views.read, name="notice-read"),
    path("notices/<int:notice_id>/withdraw/", notice_views.withdraw, name="notice-withdraw"),
    path("map/", map_views.city_map, name="map"),
    path("map/search/", map_views.search, name="map-search"),
    path("map/components/<int:component_id>/", map_views.component, name="map-component"),
    path("tiles/<slug:layer>.json", tile_views.tile_json, name="tile-json"),
    path("tiles/<slug:layer>/<int:z>/<int:x>/<int:y>.mvt", tile_views.tile, name="tile"),
]
