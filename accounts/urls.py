"""Addresses of logging in and out."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts.views import Login, home

urlpatterns = [
    path("", home, name="home"),
    path("login/", Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
