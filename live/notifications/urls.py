"""Addresses of a person's notifications."""

from django.urls import path

from live.notifications import views

app_name = "notifications"

urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("count/", views.count, name="count"),
    path("read/", views.read, name="read"),
    path("settings/", views.preferences, name="preferences"),
    path("<int:pk>/open/", views.open_case, name="open"),
]
