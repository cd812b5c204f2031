"""The city, its organisations and its people in the admin."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.delegation import duties_hand_over, duty_take_back
from accounts.models import City, Delegation, Organisation, User
from accounts.roles import Role, role_label
from accounts.services import organisation_move, organisation_place
from common import clock
from common.text import list_words


@admin.register(City)
class CityAdmin(admin.ModelAdmin):
    """The city of this installation."""

    list_display = ("name", "name_en", "code")
    readonly_fields = ("code", "cell_sequence_length")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A city comes with its pack."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes a city."""
        return False


@admin.register(Organisation)
class OrganisationAdmin(admin.ModelAdmin):
    """The tree, in its order; what no longer works is made inactive, not deleted."""

    list_display = (
        "indented_name",
        "code",
        "kind",
        "department_kind",
        "has_dispatch_desk",
        "is_active",
    )
    list_filter = ("kind", "has_dispatch_desk", "is_active", "department_kind")
    search_fields = ("name", "name_en__icontains", "code__startswith")
    autocomplete_fields = ("parent",)
    list_select_related = ("parent",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Codes are what histories call an organisation by; a desk is switched on its own page."""
        return ("city", "code", "has_dispatch_desk") if obj else ("has_dispatch_desk",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes here."""
        return False

    @admin.display(description=_("name"), ordering="path")
    def indented_name(self, row: Organisation) -> str:
        """Show the depth in the tree."""
        return "　" * (row.path.count(".") - 1) + row.name

    def save_model(self, request: HttpRequest, obj: Organisation, form: Any, change: bool) -> None:
        """Keep the paths right: a moved organisation takes everything below it along."""
        if not change:
            super().save_model(request, obj, form, change)
            organisation_place(organisation=obj)
            return
        parent = obj.parent
        if "parent" in form.changed_data:
            obj.parent_id = form.initial["parent"]
        super().save_model(request, obj, form, change)
        if "parent" in form.changed_data:
            organisation_move(organisation=obj, parent=parent)


class PersonForm(forms.ModelForm):
    """A person's own page: the roles are the groups."""

    class Meta:
        labels: ClassVar = {"groups": _("roles")}
        help_texts: ClassVar = {"groups": _("what this person may do; see the list of roles")}


class RoleFilter(admin.RelatedFieldListFilter):
    """People by role, in words."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        """Name the roles as the pages do."""
        choices = super().field_choices(field, request, model_admin)
        return [(pk, role_label(name)) for pk, name in choices]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("roles")


@admin.register(User)
class PersonAdmin(BaseUserAdmin):
    """People with a log-in."""

    list_display = ("username", "display_name", "organisation", "role_names", "is_active")
    list_filter = (("groups", RoleFilter), "is_active", "organisation__kind")
    list_select_related = ("organisation",)
    search_fields = ("username__startswith", "display_name")
    autocomplete_fields = ("organisation",)
    form = type("PersonChangeForm", (PersonForm, BaseUserAdmin.form), {"Meta": PersonForm.Meta})
    fieldsets = (
        (None, {"fields": ("username", "password", "is_active")}),
        (_("Person"), {"fields": ("display_name", "phone", "email", "language", "theme")}),
        (_("Work"), {"fields": ("city", "organisation", "groups", "is_staff")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": (
                    "username",
                    "usable_password",
                    "password1",
                    "password2",
                    "display_name",
                    "city",
                    "organisation",
                    "groups",
                ),
            },
        ),
    )

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Name the roles as the pages do."""
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None and db_field.name == "groups":
            field.label_from_instance = lambda group: role_label(group.name)
        return field

    @admin.display(description=_("roles"))
    def role_names(self, person: User) -> str:
        """List the groups."""
        return list_words(role_label(group.name) for group in person.groups.all())

    def get_queryset(self, request: HttpRequest) -> Any:
        """Load the roles with the people."""
        return super().get_queryset(request).prefetch_related("groups")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Histories name people: they are made inactive."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A superuser is changed by superusers only."""
        above = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not above and super().has_change_permission(request, obj)


class DelegationForm(forms.ModelForm):
    """What an administrator hands over in somebody's stead."""

    def _get_validation_exclusions(self) -> set[str]:
        """Leave "one at a time" to the service: Django cannot check it by a part of the fields."""
        return super()._get_validation_exclusions() | {"principal"}


@admin.register(Delegation)
class DelegationAdmin(admin.ModelAdmin):
    """Duties handed to colleagues: who acts for whom, from when to when; taken back only."""

    list_display = (
        "principal",
        "colleague",
        "role",
        "starts_at",
        "ends_at",
        "given_by",
        "revoked_at",
    )
    list_filter = ("role",)
    date_hierarchy = "starts_at"
    search_fields = ("principal__display_name", "colleague__display_name")
    list_select_related = ("principal", "colleague", "given_by")
    autocomplete_fields = ("principal", "colleague")
    form = DelegationForm
    fields = ("principal", "colleague", "role", "starts_at", "ends_at", "reason")
    actions = ("take_back",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was handed over is taken back, not edited."""
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Histories tell of it."""
        return False

    def save_model(self, request: HttpRequest, obj: Delegation, form: Any, change: bool) -> None:
        """Hand over in the principal's stead, through the same service as their own page."""
        (made,) = duties_hand_over(
            principal=User.objects.with_roles().get(pk=obj.principal_id),
            colleague=obj.colleague,
            roles=[Role(obj.role)],
            starts_at=obj.starts_at,
            ends_at=obj.ends_at,
            reason=obj.reason,
            actor=request.user,
            now=clock.now(),
        )
        obj.pk = made.pk

    @admin.action(description=_("take the duties back"), permissions=["add"])
    def take_back(self, request: HttpRequest, rows: Any) -> None:
        """End what is chosen and has not ended."""
        for row in rows.filter(revoked_at__isnull=True, ends_at__gt=clock.now()):
            duty_take_back(delegation_id=row.pk, actor=request.user, now=clock.now())
