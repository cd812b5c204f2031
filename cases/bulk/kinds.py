"""Which actions may be taken in several cases at once, and what is asked for them.

What an action requires stands in ``cases.workflow``; here is only what is asked once for all and
what is asked in every row, filled in with what fits that case. An app to the right adds its own
(``bulk_kind_add`` in its ``ready()``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from cases.models import Case
from cases.workflow import POST_ROLES, State, arrows_of
from components.models import TypeKind

# From a case and what its row says: what else the door needs. Asked while the act is under way.
Complete = Callable[[Case, Mapping[str, Any], datetime], Mapping[str, Any]]
# Why a case should be looked at alone, in a few words; "" when it may be ticked unseen.
Doubt = Callable[[Case], str | Promise]
# What a row begins with, for fields whose form does not know: the case's own suggestion.
Suggest = Callable[[Case, datetime], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class BulkKind:
    """An action in several cases: ``common`` fields are asked once, ``each`` in every row."""

    action: str
    common: tuple[str, ...] = ()
    each: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()  # of these, those that may stay empty
    suggest: Suggest | None = None
    offered: Callable[[User], Q] | None = None  # which of the chosen cases are theirs to act in
    complete: Complete | None = None
    doubted: Doubt | None = None

    @property
    def states(self) -> frozenset[State]:
        """The states in which some row of the workflow table has the action."""
        return frozenset(row.source for row in arrows_of(self.action) if row.source)

    def is_for(self, user: User) -> bool:
        """Tell whether this person's roles have a post that may take the action somewhere."""
        posts = {post for row in arrows_of(self.action) for post in row.posts}
        return any(POST_ROLES[post] & user.roles for post in posts)

    def doubt(self, case: Case) -> str | Promise:
        """Return why a chosen case is not ticked from the start; "" when it is."""
        if case.current_state not in self.states:
            return _("not possible in this state")
        return self.doubted(case) if self.doubted else ""


def unidentified(case: Case) -> str | Promise:
    """Tell what an acceptor still has to find out about a report before accepting it."""
    if case.type is None:
        return _("its type is not known yet")
    if not case.address:
        return _("its place has no words yet")
    if case.type.kind == TypeKind.COMPONENT and case.component_id is None:
        return _("its component is not known yet")
    return ""


KINDS: dict[str, BulkKind] = {}


def bulk_kind_add(kind: BulkKind) -> None:
    """Let an action be taken in several cases at once."""
    KINDS[kind.action] = kind


for _kind in (
    BulkKind("accept", doubted=unidentified),
    BulkKind("ask_confirmation", each=("collector",)),
    BulkKind("file", each=("standard",)),
    BulkKind("close"),
    BulkKind("send_check", each=("collector",)),
    BulkKind("skip_check", common=("reason",)),
    BulkKind("refuse", common=("reason_code", "reply"), optional=("reply",)),
    BulkKind("send_back", common=("reason",)),
    BulkKind("merge", common=("master",)),
    BulkKind("hand_down", each=("desk",)),
    BulkKind("sign"),
    BulkKind("assign", common=("assignee",)),
    BulkKind("request_extension", common=("extension_value", "extension_unit", "reason")),
    BulkKind("urge", common=("note",), optional=("note",)),
    BulkKind("order_supervision", common=("text", "reply_due"), optional=("reply_due",)),
):
    bulk_kind_add(_kind)
