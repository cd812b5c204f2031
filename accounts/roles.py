"""The roles a person may have, each a Django group with named permissions.

Codes are the group names. What a role may *do* to a case stands in ``cases.workflow``; here is only
who exists and which pages and ledgers a role may open. Source: docs/glossary.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Role(StrEnum):
    """Names of the groups, stable identifiers used by the workflow table and the API."""

    COLLECTOR = "collector"
    ACCEPTOR = "acceptor"
    SHIFT_SUPERVISOR = "shift_supervisor"
    DISPATCHER = "dispatcher"
    DEPARTMENT_CLERK = "department_clerk"
    DEPARTMENT_HEAD = "department_head"
    PROXY_SQUAD = "proxy_squad"
    LEADER = "leader"
    INSPECTOR = "inspector"
    CONTRACTOR_MANAGER = "contractor_manager"
    ADMINISTRATOR = "administrator"
    SHARING_PARTNER = "sharing_partner"


@dataclass(frozen=True, slots=True)
class RoleDefinition:
    """What a role is called, where it lands after login and which permissions its group holds."""

    role: Role
    label: str | Promise
    home: str
    permissions: tuple[str, ...]


REPORT = "cases.report_cases"
SEE_ALL = "cases.view_all_cases"
SEE_PERSONAL_DATA = "cases.view_personal_data"
CONFIGURE = "accounts.configure_city"
SUPERVISE = "cases.supervise"
PROPOSE_CHANGES = "components.propose_changes"
APPROVE_CHANGES = "components.approve_changes"
CHANGE_BODIES = "components.change_bodies"
EXPORT_REGISTER = "components.export_register"
IMPORT_SURVEYS = "components.import_surveys"
REVIEW_SURVEYS = "components.review_surveys"
CONFIRM_SURVEYS = "components.confirm_surveys"
VIEW_FUNDS = "dispatch.view_funds"
ALLOCATE_FUNDS = "dispatch.allocate_funds"
CHECK_COSTS = "dispatch.check_costs"
BOOK_FUNDS = "dispatch.book_funds"

ROLES: dict[Role, RoleDefinition] = {
    definition.role: definition
    for definition in (
        RoleDefinition(Role.COLLECTOR, _("Collector"), "/tasks/", (REPORT, PROPOSE_CHANGES)),
        RoleDefinition(
            Role.ACCEPTOR,
            _("Acceptor"),
            "/acceptance/",
            (REPORT, SEE_ALL, SEE_PERSONAL_DATA, PROPOSE_CHANGES, EXPORT_REGISTER),
        ),
        RoleDefinition(
            Role.SHIFT_SUPERVISOR,
            _("Shift supervisor"),
            "/supervision/",
            (
                SEE_ALL,
                SEE_PERSONAL_DATA,
                SUPERVISE,
                PROPOSE_CHANGES,
                APPROVE_CHANGES,
                CHANGE_BODIES,
                EXPORT_REGISTER,
                IMPORT_SURVEYS,
                REVIEW_SURVEYS,
                VIEW_FUNDS,
                CHECK_COSTS,
            ),
        ),
        RoleDefinition(
            Role.DISPATCHER,
            _("Dispatcher"),
            "/dispatch/",
            (PROPOSE_CHANGES, EXPORT_REGISTER, VIEW_FUNDS),
        ),
        RoleDefinition(
            Role.DEPARTMENT_CLERK,
            _("Department clerk"),
            "/inbox/",
            (PROPOSE_CHANGES, EXPORT_REGISTER, CONFIRM_SURVEYS),
        ),
        RoleDefinition(
            Role.DEPARTMENT_HEAD,
            _("Department head"),
            "/inbox/",
            (PROPOSE_CHANGES, EXPORT_REGISTER, CONFIRM_SURVEYS),
        ),
        RoleDefinition(Role.PROXY_SQUAD, _("Proxy squad"), "/inbox/", ()),
        RoleDefinition(
            Role.LEADER,
            _("Centre's leader"),
            "/supervision/",
            (
                REPORT,
                SEE_ALL,
                SEE_PERSONAL_DATA,
                SUPERVISE,
                PROPOSE_CHANGES,
                APPROVE_CHANGES,
                EXPORT_REGISTER,
                REVIEW_SURVEYS,
                VIEW_FUNDS,
                ALLOCATE_FUNDS,
            ),
        ),
        RoleDefinition(
            Role.INSPECTOR,
            _("Inspector"),
            "/cases/",
            (SEE_ALL, PROPOSE_CHANGES, EXPORT_REGISTER, VIEW_FUNDS, BOOK_FUNDS),
        ),
        RoleDefinition(Role.CONTRACTOR_MANAGER, _("Contractor manager"), "/cases/", ()),
        RoleDefinition(
            Role.ADMINISTRATOR,
            _("Administrator"),
            "/admin/",
            (
                SEE_ALL,
                CONFIGURE,
                PROPOSE_CHANGES,
                APPROVE_CHANGES,
                CHANGE_BODIES,
                EXPORT_REGISTER,
                IMPORT_SURVEYS,
                REVIEW_SURVEYS,
                VIEW_FUNDS,
            ),
        ),
        RoleDefinition(Role.SHARING_PARTNER, _("Sharing partner"), "/cases/", (REPORT,)),
    )
}

# The desk a person with several roles lands on: the first of this list that is theirs.
HOME_ORDER: tuple[Role, ...] = (
    Role.SHIFT_SUPERVISOR,
    Role.ACCEPTOR,
    Role.DISPATCHER,
    Role.LEADER,
    Role.DEPARTMENT_HEAD,
    Role.DEPARTMENT_CLERK,
    Role.PROXY_SQUAD,
    Role.COLLECTOR,
    Role.INSPECTOR,
    Role.CONTRACTOR_MANAGER,
    Role.SHARING_PARTNER,
    Role.ADMINISTRATOR,
)


def home_for(roles: frozenset[Role]) -> str:
    """Return the path of the desk where a person with these roles starts; "/" without any."""
    return next((ROLES[role].home for role in HOME_ORDER if role in roles), "/")


def may(roles: frozenset[Role], permission: str) -> bool:
    """Tell whether one of these roles holds a permission."""
    return any(permission in ROLES[role].permissions for role in roles)


def role_label(code: str) -> str:
    """Return the role in words; one that the city no longer has by its code."""
    labels = {role.value: definition.label for role, definition in ROLES.items()}
    return str(labels.get(code, code))
