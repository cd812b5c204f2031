"""Addresses of links to contractors."""

from django.urls import path

from dispatch.links.public import photo, public
from dispatch.links.views import case_link, contractors

app_name = "links"

urlpatterns = [
    path("l/<str:token>", public, name="public"),
    path("l/<str:token>/photos/<int:photo_id>/<str:size>/", photo, name="photo"),
    path("contractors/", contractors, name="contractors"),
    path("links/<str:number>/", case_link, name="case"),
]
