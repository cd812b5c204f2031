"""Writing organisations, people and the groups behind the roles."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import City, Organisation, User
from accounts.roles import ROLES, Role
from common.errors import DomainError

# What an administrator sets in the admin, without being superuser.
CONFIGURED = {
    "accounts": ("city", "delegation", "organisation", "user"),
    "grid": (
        "area",
        "areacode",
        "beat",
        "beatassignment",
        "gridcell",
        "jurisdiction",
        "managementarea",
        "place",
        "reorganisation",
        "reorganisationline",
        "zone",
    ),
    "components": (
        "casestandard",
        "casetype",
        "component",
        "plate",
        "typealias",
        "typeclass",
        "typecode",
    ),
    "cases": (
        "calendarday",
        "calendaruse",
        "casepolicy",
        "deskrule",
        "reasoncode",
        "deadlinerecalculation",
        "deadlinerule",
        "stagelimit",
        "workcalendar",
    ),
    "dispatch": (
        "automatictype",
        "fund",
        "proxythreshold",
        "publishedrules",
        "routingrule",
        "rulecooperation",
        "shift",
        "squadprofile",
    ),
    "live": ("notificationpolicy", "notificationrule", "notificationtemplate"),
    "evaluation": (
        "collectioncontract",
        "comparisongroup",
        "comparisonmember",
        "contractlot",
        "evaluationpolicy",
        "gradestep",
        "itembands",
        "lotbeat",
        "lotterms",
        "scorecard",
        "scorecarditem",
    ),
    "desks": ("wall", "kioskkey"),
}
WATCHED = (
    "desks.view_wallorder",
    "live.view_delivery",
    "live.view_eventreader",
    "dispatch.view_journalentry",
    "dispatch.view_posting",
    "evaluation.view_contractstatement",
)
# A plan: what was planned wrongly is taken out again.
PLANNED = ("dispatch.delete_shift", "dispatch.delete_proxythreshold")
CONFIGURATION = (
    tuple(
        f"{app}.{right}_{model}"
        for app, models in CONFIGURED.items()
        for model in models
        for right in ("view", "add", "change")
    )
    + WATCHED
    + PLANNED
)


@transaction.atomic
def organisation_create(
    *,
    city: City,
    code: str,
    kind: str,
    name: str,
    name_en: str = "",
    parent: Organisation | None = None,
    department_kind: str = "",
    has_dispatch_desk: bool = False,
) -> Organisation:
    """Add an organisation below ``parent`` (None: the root of the tree) and give it its path."""
    organisation = Organisation.objects.create(
        city=city,
        code=code,
        kind=kind,
        name=name,
        name_en=name_en,
        parent=parent,
        department_kind=department_kind,
        has_dispatch_desk=has_dispatch_desk,
    )
    return organisation_place(organisation=organisation)


def organisation_place(*, organisation: Organisation) -> Organisation:
    """Give a new organisation its path below its parent."""
    organisation.path = path_below(organisation.parent, organisation)
    organisation.save(update_fields=["path"])
    return organisation


@transaction.atomic
def organisation_move(*, organisation: Organisation, parent: Organisation | None) -> Organisation:
    """Hang an organisation, with all below it, below another parent.

    Raise DomainError ``invalid`` when the parent lies below it.
    """
    rows = Organisation.objects.select_for_update().filter(city=organisation.city)
    list(rows.values_list("pk", flat=True))  # one mover at a time in a city
    organisation = rows.get(pk=organisation.pk)
    if parent is not None:
        parent = rows.get(pk=parent.pk)
        if organisation.contains(parent):
            raise DomainError("invalid", _("An organisation cannot lie below itself."))
    old, new = organisation.path, path_below(parent, organisation)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_organisation SET path = %s || substr(path, %s) WHERE path LIKE %s",
            [new, len(old) + 1, f"{old}%"],
        )
    rows.filter(pk=organisation.pk).update(parent=parent)
    return Organisation.objects.get(pk=organisation.pk)


def path_below(parent: Organisation | None, organisation: Organisation) -> str:
    """Return the path of an organisation that hangs below ``parent``."""
    return f"{parent.path if parent else ''}{organisation.pk}."


@transaction.atomic
def roles_sync() -> None:
    """Make one group a role with exactly the permissions its definition names.

    Run after every migrate. Raise LookupError when a definition names a permission nobody declared.
    """
    permissions = {
        f"{row.content_type.app_label}.{row.codename}": row
        for row in Permission.objects.select_related("content_type")
    }
    for definition in ROLES.values():
        group, _created = Group.objects.get_or_create(name=definition.role.value)
        missing = set(definition.permissions) - permissions.keys()
        if missing:
            raise LookupError(f"No such permission: {', '.join(sorted(missing))}")
        names = definition.permissions
        if definition.role is Role.ADMINISTRATOR:
            names += tuple(name for name in CONFIGURATION if name in permissions)
        group.permissions.set([permissions[name] for name in names])


@transaction.atomic
def user_create(
    *,
    username: str,
    password: str,
    city: City,
    organisation: Organisation | None,
    display_name: str,
    roles: Iterable[Role],
    phone: str = "",
    language: str = "",
    is_staff: bool = False,
    is_superuser: bool = False,
) -> User:
    """Add a person with a log-in and roles; ``roles_sync`` must have run."""
    user = User.objects.create_user(
        username,
        password=password,
        city=city,
        organisation=organisation,
        display_name=display_name,
        phone=phone,
        language=language,
        is_staff=is_staff,
        is_superuser=is_superuser,
    )
    user_set_roles(user=user, roles=roles)
    return user


def user_set_roles(*, user: User, roles: Iterable[Role]) -> None:
    """Give a person exactly these roles."""
    user.groups.set(Group.objects.filter(name__in=[Role(role).value for role in roles]))
    user.__dict__.pop("roles", None)
    user.__dict__.pop("role_codes", None)


def user_set_language(*, user: User, language: str) -> None:
    """Keep the language of somebody's pages; raises DomainError for one that is not spoken."""
    if language not in dict(settings.LANGUAGES):
        raise DomainError("invalid", _("There is no such language."), fields={"language": []})
    User.objects.filter(pk=user.pk).update(language=language)
