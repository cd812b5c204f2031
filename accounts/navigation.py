"""Which desks stand in a person's header, in which order. Pages check rights themselves."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from accounts.roles import (
    CONFIRM_SURVEYS,
    IMPORT_SURVEYS,
    REVIEW_SURVEYS,
    VIEW_FUNDS,
    Role,
    may,
)

HANDLERS = frozenset({Role.DEPARTMENT_CLERK, Role.DEPARTMENT_HEAD, Role.PROXY_SQUAD})
EVERYBODY = frozenset(Role)
SURVEYORS = frozenset(
    role
    for role in Role
    if any(may(frozenset({role}), one) for one in (IMPORT_SURVEYS, REVIEW_SURVEYS, CONFIRM_SURVEYS))
)
PAYERS = frozenset(role for role in Role if may(frozenset({role}), VIEW_FUNDS))


STANDING = 6  # entries beside a menu of the others; English at 1280 px has room for no more


@dataclass(frozen=True, slots=True)
class Desk:
    """One entry of the header: its page and the roles that work there."""

    url_name: str
    label: str | Promise
    icon: str
    roles: frozenset[Role]


DESKS: tuple[Desk, ...] = (
    Desk(
        "cases:acceptance",
        pgettext_lazy("desk", "Acceptance"),
        "phone",
        frozenset({Role.ACCEPTOR}),
    ),
    Desk(
        "desks:supervision",
        pgettext_lazy("desk", "Supervision"),
        "eye",
        frozenset({Role.SHIFT_SUPERVISOR, Role.LEADER}),
    ),
    Desk(
        "dispatch:dispatch",
        pgettext_lazy("desk", "Dispatch"),
        "route",
        frozenset({Role.DISPATCHER}),
    ),
    Desk("dispatch:inbox", pgettext_lazy("desk", "Inbox"), "inbox", HANDLERS),
    Desk("cases:tasks", pgettext_lazy("desk", "Tasks"), "checklist", frozenset({Role.COLLECTOR})),
    Desk("cases:report", pgettext_lazy("desk", "Report"), "camera", frozenset({Role.COLLECTOR})),
    Desk(
        "admin:index",
        pgettext_lazy("desk", "Settings"),
        "adjustments-horizontal",
        frozenset({Role.ADMINISTRATOR}),
    ),
    Desk("cases:list", pgettext_lazy("desk", "Cases"), "list", EVERYBODY),
    Desk("desks:map", pgettext_lazy("desk", "Map"), "map", EVERYBODY - {Role.SHARING_PARTNER}),
    Desk(
        "desks:wall",
        pgettext_lazy("desk", "Wall"),
        "device-tv",
        frozenset({Role.SHIFT_SUPERVISOR, Role.LEADER}),
    ),
    Desk(
        "evaluation:board",
        pgettext_lazy("desk", "Evaluation"),
        "chart-bar",
        frozenset(
            {
                Role.SHIFT_SUPERVISOR,
                Role.LEADER,
                Role.INSPECTOR,
                Role.ADMINISTRATOR,
                Role.ACCEPTOR,
                Role.DISPATCHER,
                Role.DEPARTMENT_CLERK,
                Role.DEPARTMENT_HEAD,
                Role.CONTRACTOR_MANAGER,
            }
        ),
    ),
    Desk("components:ledger", pgettext_lazy("desk", "Register"), "cube", EVERYBODY),
    Desk(
        "atlas:atlas",
        pgettext_lazy("desk", "Atlas"),
        "stack-2",
        frozenset({Role.ADMINISTRATOR, Role.SHIFT_SUPERVISOR, Role.LEADER, Role.INSPECTOR}),
    ),
    Desk(
        "plates:list",
        pgettext_lazy("desk", "Plates"),
        "link",
        frozenset({Role.ADMINISTRATOR}),
    ),
    Desk(
        "dispatch:desks",
        pgettext_lazy("desk", "Desks"),
        "building",
        frozenset({Role.ADMINISTRATOR}),
    ),
    Desk("census:list", pgettext_lazy("desk", "Census"), "clipboard-check", SURVEYORS),
    Desk(
        "funds:overview", pgettext_lazy("desk", "Proxy work"), "cash", PAYERS | {Role.PROXY_SQUAD}
    ),
)


def desks_for(roles: frozenset[Role]) -> list[Desk]:
    """Return the desks of somebody with these roles, in the header's order."""
    return [desk for desk in DESKS if desk.roles & roles]
