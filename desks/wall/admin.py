"""Walls and their keys in the admin: a key is made here, shown once, and revoked here."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.models import City
from cases.admin import ReadOnlyAdmin
from components.admin import KeptAdmin
from desks.models import KioskKey, Wall, WallOrder
from desks.wall.access import PARAMETER
from desks.wall.services import kiosk_key_make, kiosk_key_revoke
from live.publish import guests_changed


@admin.register(Wall)
class WallAdmin(KeptAdmin):
    """The screens of the city."""

    list_display = ("code", "name", "name_en", "district", "language", "scene_seconds", "is_active")
    list_select_related = ("district",)
    fields = (
        "code",
        "name",
        "name_en",
        "district",
        "language",
        "scene_seconds",
        "is_active",
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """How far a wall sees is what its keys were given for: it stays."""
        return ("code", "district") if obj else ()

    def save_model(self, request: HttpRequest, obj: Wall, form: Any, change: bool) -> None:
        """A wall hangs in the city of this installation; one taken down is dark at once."""
        if not change:
            obj.city = City.objects.earliest("pk")
        super().save_model(request, obj, form, change)
        guests_changed()


@admin.register(KioskKey)
class KioskKeyAdmin(admin.ModelAdmin):
    """Keys: made, looked at, revoked; never read again."""

    list_display = ("wall", "label", "made_by", "made_at", "seen_at", "revoked_at")
    list_select_related = ("wall", "made_by")
    list_filter = ("wall",)
    fields = ("wall", "label")
    actions: ClassVar = ["revoke"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes here: who made a key, and who revoked it, stays known."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A key is revoked, never changed."""
        return obj is None and super().has_change_permission(request)

    def save_model(self, request: HttpRequest, obj: KioskKey, form: Any, change: bool) -> None:
        """Make the key and show the address it opens, this once."""
        made, key = kiosk_key_make(
            wall=obj.wall, label=obj.label, actor=request.user, now=timezone.now()
        )
        obj.pk = made.pk
        query = urlencode({PARAMETER: key})
        address = request.build_absolute_uri(f"{reverse('desks:wall')}?{query}")
        message = _now("The address of this screen, shown only now: %(address)s")
        self.message_user(request, message % {"address": address}, messages.WARNING)

    @admin.action(description=_("Revoke: the screens are cut off at once"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[KioskKey]) -> None:
        """End the chosen keys."""
        for key in queryset:
            kiosk_key_revoke(key_id=key.pk, actor=request.user, now=timezone.now())
        self.message_user(request, _now("Revoked."))


@admin.register(WallOrder)
class WallOrderAdmin(ReadOnlyAdmin):
    """Who told which wall what."""

    list_display = ("at", "wall", "scene", "district", "is_held", "actor")
    list_select_related = ("wall", "district", "actor")
    list_filter = ("wall",)
