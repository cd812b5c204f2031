"""Addresses of documents."""

from django.urls import path

from components.documents.views import document_file, documents

app_name = "documents"

urlpatterns = [
    path("", documents, name="list"),
    path("<int:document_id>/file/", document_file, name="file"),
]
