"""Addresses of acts on several cases."""

from django.urls import path

from cases.bulk.views import bulk_act, bulk_results

app_name = "bulk"

urlpatterns = [
    path("results/<int:pk>/", bulk_results, name="results"),
    path("<slug:action>/", bulk_act, name="act"),
]
