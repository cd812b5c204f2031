"""Reading organisations."""

from __future__ import annotations

from accounts.models import Organisation, User


def organisations_in_tree(
    user: User, *, kind: str = "", department_kind: str = ""
) -> list[Organisation]:
    """Return the active organisations of the person's city, every one after its parent: one query.

    Siblings stand in the order in which they were founded.
    """
    rows = Organisation.objects.filter(city_id=user.city_id, is_active=True)
    if kind:
        rows = rows.filter(kind=kind)
    if department_kind:
        rows = rows.filter(department_kind=department_kind)
    return sorted(rows.select_related("parent"), key=_place_in_tree)


def _place_in_tree(row: Organisation) -> list[int]:
    return [int(part) for part in row.path.split(".") if part]
