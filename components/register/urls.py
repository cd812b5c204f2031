"""Addresses of the register's pages."""

from django.urls import path

from components.register.views.bodies import bodies, body_change
from components.register.views.changes import change, changes, decide, propose
from components.register.views.exports import export_file, exports
from components.register.views.ledger import ledger
from components.register.views.record import record

app_name = "components"

urlpatterns = [
    path("components/", ledger, name="ledger"),
    path("components/exports/", exports, name="exports"),
    path("components/exports/<int:export_id>/file/", export_file, name="export-file"),
    path("components/bodies/", bodies, name="bodies"),
    path("components/bodies/<int:body_change_id>/", body_change, name="body-change"),
    path("components/changes/", changes, name="changes"),
    path("components/changes/<int:change_id>/", change, name="change"),
    path("components/changes/<int:change_id>/<slug:decision>/", decide, name="decide"),
    path("components/<str:code>/", record, name="record"),
    path("components/<str:code>/changes/<slug:kind>/", propose, name="propose"),
]
