"""Addresses of the squads' pages."""

from django.urls import path

from dispatch.squads import views

app_name = "squads"

urlpatterns = [
    path("", views.squad_list, name="list"),
    path("<slug:code>/", views.squad_detail, name="detail"),
]
