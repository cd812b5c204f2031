"""The people who play the city: whoever holds the post that a step needs."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection
from datetime import date

from accounts.models import City, Organisation, User
from accounts.roles import Role
from cases.models import Case
from cases.models.case import HANDLING_ROLES
from cases.workflow import Post
from grid.models import BeatAssignment, Jurisdiction

ROLE_OF_POST = {
    Post.ACC: Role.ACCEPTOR,
    Post.SUP: Role.SHIFT_SUPERVISOR,
    Post.LDR: Role.LEADER,
}


class Cast:
    """Everybody of a city by role and organisation, loaded once; some may be left out."""

    def __init__(
        self, city: City, chance: random.Random, without: Collection[str] = frozenset()
    ) -> None:
        people = User.objects.with_roles().filter(city=city, is_active=True, is_superuser=False)
        self.chance = chance
        self.by_id = {row.pk: row for row in people if row.username not in without}
        self._by_role: dict[Role, list[User]] = defaultdict(list)
        self._in_body: dict[tuple[Role, int | None], list[User]] = defaultdict(list)
        for person in sorted(self.by_id.values(), key=lambda row: row.username):
            for role in person.roles:
                self._by_role[role].append(person)
                self._in_body[role, person.organisation_id].append(person)
        self._desks = self._district_desks()

    def one(self, role: Role) -> User | None:
        """Return somebody with this role."""
        return self._choose(self._by_role[role])

    def in_post(self, post: Post, case: Case) -> User | None:
        """Return somebody who holds a post in a case; None where nobody plays it."""
        if post is Post.COL:
            return self.by_id.get(case.collector_id or 0)
        if post is Post.DSP:
            return self._choose(self._in_body[Role.DISPATCHER, case.desk_id])
        if post in (Post.DEP, Post.PXY):
            return self.clerk_of(case.department_id)
        role = ROLE_OF_POST.get(post)
        return self.one(role) if role else None

    def clerk_of(self, organisation_id: int | None) -> User | None:
        """Return somebody who handles for an organisation."""
        if organisation_id is None:
            return None
        return self._choose(
            [
                person
                for role in sorted(HANDLING_ROLES)
                for person in self._in_body[role, organisation_id]
            ]
        )

    def collectors_on(self, cell_id: int, on: date) -> list[User]:
        """Return the collectors who walk a cell, one query."""
        walkers = BeatAssignment.objects.valid_on(on).filter(beat__cells=cell_id)
        found = walkers.order_by("collector__username").values_list("collector_id", flat=True)
        return [self.by_id[pk] for pk in found if pk in self.by_id]

    def desk_below(self, case: Case) -> Organisation | None:
        """Return the desk of the management area or district a case lies in."""
        return self._desks.get(("managed", case.management_area_id)) or self._desks.get(
            ("area", case.district_id)
        )

    def _choose(self, people: list[User]) -> User | None:
        return self.chance.choice(people) if people else None

    @staticmethod
    def _district_desks() -> dict[tuple[str, int | None], Organisation]:
        rows = Jurisdiction.objects.filter(
            function=Jurisdiction.Function.DISPATCH, organisation__has_dispatch_desk=True
        ).select_related("organisation")
        return {
            ("managed", row.management_area_id)
            if row.management_area_id
            else ("area", row.area_id): row.organisation
            for row in rows
        }
