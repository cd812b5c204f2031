"""Addresses of logging in and out, of duties handed over, and of saved filters."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from accounts.views.duties import duties, menu, stand_down, stand_in, take_back
from accounts.views.filters import saved_filter_change, saved_filters
from accounts.views.login import Login, home

duty_urls = [
    path("", duties, name="duties"),
    path("menu/", menu, name="menu"),
    path("<int:delegation_id>/take-back/", take_back, name="take-back"),
    path("for/<int:principal_id>/", stand_in, name="stand-in"),
    path("end/", stand_down, name="stand-down"),
]

urlpatterns = [
    path("", home, name="home"),
    path("login/", Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("duties/", include((duty_urls, "duties"))),
    path("filters/<slug:page>/", saved_filters, name="saved-filters"),
    path(
        "filters/<slug:page>/<int:filter_id>/<slug:change>/",
        saved_filter_change,
        name="saved-filter-change",
    ),
]
