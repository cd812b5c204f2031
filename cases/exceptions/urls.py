"""Addresses of ledgers, shares, suspended cases, orders, repeat spots and urging."""

from django.urls import path

from cases.exceptions.views import ledgers, supervising

app_name = "exceptions"

urlpatterns = [
    path("ledgers/", ledgers.shares, name="shares"),
    path("ledgers/<slug:kind>/", ledgers.ledger, name="ledger"),
    path("suspended/", ledgers.suspended, name="suspended"),
    path("overdue/", supervising.overdue, name="overdue"),
    path("repeats/", supervising.repeats, name="repeats"),
    path("repeats/<int:spot_id>/<slug:decision>/", supervising.repeat_decide, name="repeat-decide"),
    path("cycles/<int:cycle_id>/seen/", supervising.cycle_seen, name="cycle-seen"),
    path("orders/", supervising.orders, {"kind": "orders"}, name="orders"),
    path("instructions/", supervising.orders, {"kind": "instructions"}, name="instructions"),
]
