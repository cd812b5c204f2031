"""Who takes the steps of a replayed request: the people whose posts the workflow names.

Everybody is loaded once. Posts that several people hold are shared out by the request's key, so
that the same request always meets the same people; the collector sent to check is not the one who
reported or confirmed where the beat has another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from zlib import crc32

from accounts.models import City, User
from accounts.roles import Role
from cases.models import Case
from cases.workflow import POST_ROLES, Post
from common.errors import DomainError
from grid.models import BeatAssignment


class Nobody(DomainError):
    """A post is not staffed: the organisations and people of the city are missing."""

    def __init__(self, post: str) -> None:
        super().__init__("nobody", f"Nobody in this city can act as {post} here.", status=409)


class Crew:
    """The people of a city by post and organisation."""

    def __init__(self, city: City) -> None:
        people = User.objects.with_roles().filter(city=city, is_active=True).order_by("username")
        # Somebody with several posts could meet their own case again.
        self._people = {person.pk: person for person in people if len(person.roles) == 1}
        self._by_role: dict[Role, list[User]] = defaultdict(list)
        for person in self._people.values():
            self._by_role[next(iter(person.roles))].append(person)
        self._collectors: dict[int, list[User]] = {}

    def in_post(self, post: Post, case: Case, key: str) -> User:
        """Return who takes a step of this post in a case."""
        if post is Post.COL:
            if case.collector_id not in self._people:
                raise Nobody(post)
            return self._people[case.collector_id]
        staff = [person for role in sorted(POST_ROLES[post]) for person in self._by_role[role]]
        body = {Post.DSP: case.desk_id, Post.DEP: case.department_id}.get(post)
        if body is not None:
            staff = [person for person in staff if person.organisation_id == body]
        return _one_of(staff, post, key)

    def holder(self, role: Role | None, organisation: str = "") -> User:
        """Return the first with a role (None: any) in an organisation ("": any)."""
        return next(
            person
            for person in self._people.values()
            if (role is None or role in person.roles)
            and (not organisation or person.organisation.code == organisation)
        )

    def reporter(self, source: str, cell_id: int, on: date, key: str) -> User:
        """Return who takes the report in: a collector of the beat, else an acceptor."""
        if source == "collector":
            return _one_of(self._on_beat(cell_id, on), Post.COL, key)
        return _one_of(self._by_role[Role.ACCEPTOR], Post.ACC, key)

    def collector(self, case: Case, on: date, key: str, avoid: set[int]) -> User:
        """Return a collector of the case's beat to send there, another than these if there is."""
        walkers = self._on_beat(case.cell_id, on)
        others = [person for person in walkers if person.pk not in avoid]
        return _one_of(others or walkers, Post.COL, key)

    def _on_beat(self, cell_id: int, on: date) -> list[User]:
        """Return the collectors who walk a cell, else every collector of the city."""
        if cell_id not in self._collectors:
            walkers = BeatAssignment.objects.valid_on(on).filter(beat__cells=cell_id)
            found = set(walkers.values_list("collector_id", flat=True))
            people = [self._people[pk] for pk in sorted(found) if pk in self._people]
            self._collectors[cell_id] = people or self._by_role[Role.COLLECTOR]
        return self._collectors[cell_id]


def _one_of(people: Sequence[User], post: Post, key: str) -> User:
    if not people:
        raise Nobody(post)
    return people[crc32(key.encode()) % len(people)]
