"""Reading documents: people see their own."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import User
from components.models import Document


def documents_of(user: User) -> QuerySet[Document]:
    """Return what somebody asked for, the newest first."""
    return Document.objects.filter(asked_by=user).order_by("-asked_at", "-pk")
