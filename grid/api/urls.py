"""Addresses of the grid's part of API v1."""

from django.urls import path

from grid.api.views import AreaCodeView, CellView, LocateView, PlaceSearchView, PlaceWordsView

urlpatterns = [
    path("areas/", AreaCodeView.as_view(), name="api_areas"),
    path("grid/locate/", LocateView.as_view(), name="api_grid_locate"),
    path("grid/cells/<str:code>/", CellView.as_view(), name="api_grid_cell"),
    path("places/", PlaceSearchView.as_view(), name="api_places"),
    path("places/words/", PlaceWordsView.as_view(), name="api_place_words"),
]
