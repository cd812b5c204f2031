"""Who is told: recipients of a stretch of events, found together in a handful of queries.

An organisation in which nobody works is answered for by the next one above it that has somebody:
news for a body without log-ins reaches its parents, not nobody. Whoever did something is not told
of it. What a person may not see any more is left out when it is read or sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q

from accounts.models import Organisation, User
from accounts.roles import Role
from cases.models import (
    ApprovalRequest,
    Case,
    CaseEvent,
    LeaderInstruction,
    SubOrder,
    SupervisionOrder,
)
from cases.workflow import POST_ROLES, Post
from dispatch.models import ContractorLink
from live.notifications.rules import CLERKS, HANDLERS, Recipient

SHIFT = timedelta(hours=12)  # a session ends then: who logged in since is on shift
DESK = frozenset({Role.DISPATCHER})
STAFF = HANDLERS | DESK
TIED = {Post.DSP: "desk_id", Post.DEP: "department_id", Post.PXY: "department_id"}
CITY_POSTS = {
    Recipient.ON_SHIFT: Role.SHIFT_SUPERVISOR,
    Recipient.SUPERVISORS: Role.SHIFT_SUPERVISOR,
    Recipient.LEADERS: Role.LEADER,
    Recipient.ACCEPTORS: Role.ACCEPTOR,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One kind of recipients of one event, before anybody is looked up.

    People by id; or the holders of roles in an organisation, in the whole city without one.
    """

    people: frozenset[int] = frozenset()
    organisation: int | None = None
    roles: frozenset[Role] = frozenset()
    city: int | None = None
    is_on_shift: bool = False


@dataclass
class Ties:
    """What events name besides themselves: five queries at most for a stretch, none if unasked."""

    cooperating: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    former: dict[tuple[int, datetime | None], set[int]] = field(
        default_factory=lambda: defaultdict(set)
    )
    askers: dict[int, int] = field(default_factory=dict)
    deciders: dict[int, list[str]] = field(default_factory=dict)  # posts due now, by request
    givers: dict[str | int, int] = field(default_factory=dict)  # by order's number, link's id
    codes: dict[tuple[int, str], int] = field(default_factory=dict)  # by city and body's code


def ties_of(events: Collection[CaseEvent], recipients: Collection[str]) -> Ties:
    """Load what these kinds of recipients need to know of these events."""
    ties = Ties()
    cases = {event.case_id for event in events}
    if Recipient.COOPERATING in recipients:
        rows = SubOrder.objects.filter(case__in=cases, is_lead=False, ended_at__isnull=True)
        for case_id, organisation_id in rows.values_list("case_id", "organisation_id"):
            ties.cooperating[case_id].add(organisation_id)
    if Recipient.FORMER_LEAD in recipients:
        ended = SubOrder.objects.filter(
            case__in=cases, is_lead=True, ended_at__in={event.at for event in events}
        ).exclude(outcome=SubOrder.Outcome.ENDED)
        for case_id, at, organisation_id in ended.values_list(
            "case_id", "ended_at", "organisation_id"
        ):
            ties.former[case_id, at].add(organisation_id)
    if {Recipient.ASKER, Recipient.DECIDERS} & set(recipients):
        asked = {pk for event in events if (pk := _request_id(event)) is not None}
        requests = ApprovalRequest.objects.filter(pk__in=asked) if asked else ()
        ties.askers = {row.pk: row.asked_by_id for row in requests}
        ties.deciders = {row.pk: row.waits_for for row in requests}
    if Recipient.ORDERED_BY in recipients:
        ties.givers = {
            **_givers({str(event.data.get("order", "")) for event in events} - {""}),
            **_senders({key for event in events if (key := _link_id(event)) is not None}),
        }
    if Recipient.ADDRESSED in recipients:
        named = {code for event in events if isinstance(code := _organisation(event), str)}
        found = Organisation.objects.filter(code__in=named) if named else ()
        ties.codes = {(row.city_id, row.code): row.pk for row in found}
    return ties


def _givers(numbers: set[str]) -> dict[str | int, int]:
    if not numbers:
        return {}
    return {
        number: person
        for model in (SupervisionOrder, LeaderInstruction)
        for number, person in model._default_manager.filter(number__in=numbers).values_list(
            "number", "given_by_id"
        )
    }


def _senders(links: set[int]) -> dict[str | int, int]:
    """Return who sent a contractor each of these links."""
    sent = ContractorLink.objects.filter(pk__in=links) if links else ()
    return {link.pk: link.sent_by_id for link in sent}


def _link_id(event: CaseEvent) -> int | None:
    key = event.data.get("link")
    return key if type(key) is int else None


def _request_id(event: CaseEvent) -> int | None:
    request = event.data.get("request")
    number = request.get("id") if isinstance(request, dict) else None
    return number if isinstance(number, int) else None


def _organisation(event: CaseEvent) -> Any:
    return event.data.get("organisation")


def wanted_by(recipient: str, event: CaseEvent, case: Case, ties: Ties) -> Iterator[Wanted]:
    """Yield whom a kind of recipients means for one event; pure."""
    if recipient in CITY_POSTS:
        role = CITY_POSTS[Recipient(recipient)]
        is_on_shift = recipient == Recipient.ON_SHIFT
        yield Wanted(roles=frozenset({role}), city=case.city_id, is_on_shift=is_on_shift)
    elif recipient == Recipient.ADDRESSED:
        yield from _addressed(event, case, ties)
    elif recipient == Recipient.DECIDERS:
        yield from _deciders(event, case, ties)
    elif recipient in _PERSONS:
        person = _PERSONS[Recipient(recipient)](event, case, ties)
        if person is not None:
            yield Wanted(people=frozenset({person}))
    else:
        roles, bodies = _BODIES[Recipient(recipient)]
        for organisation in bodies(event, case, ties):
            if organisation is not None:
                yield Wanted(organisation=organisation, roles=roles)


def _addressed(event: CaseEvent, case: Case, ties: Ties) -> Iterator[Wanted]:
    """The organisation in the event's data, with its roles; without one, the city's posts."""
    known = {role.value for role in Role}
    named = event.data.get("roles") or ()
    roles = frozenset(Role(code) for code in named if code in known)
    organisation = _organisation(event)
    if isinstance(organisation, str):
        organisation = ties.codes.get((case.city_id, organisation))
    if isinstance(organisation, int):
        yield Wanted(organisation=organisation, roles=roles or STAFF)
    elif roles:
        yield Wanted(roles=roles, city=case.city_id)


def _deciders(event: CaseEvent, case: Case, ties: Ties) -> Iterator[Wanted]:
    """The holders of the posts a request waits for: of the case's desk, or of the city."""
    for post in ties.deciders.get(_request_id(event) or 0, ()):
        roles = POST_ROLES.get(Post(post), frozenset())
        if post in TIED:
            body = getattr(case, TIED[Post(post)])
            if body is not None:
                yield Wanted(organisation=body, roles=roles)
        else:
            yield Wanted(roles=roles, city=case.city_id)


_PERSONS = {
    Recipient.COLLECTOR: lambda event, case, ties: case.collector_id,
    Recipient.REPORTER: lambda event, case, ties: case.reporter_id,
    Recipient.ASKER: lambda event, case, ties: ties.askers.get(_request_id(event) or 0),
    Recipient.ORDERED_BY: lambda event, case, ties: ties.givers.get(
        _link_id(event) or str(event.data.get("order", ""))
    ),
}
_BODIES = {
    Recipient.LEAD_CLERKS: (CLERKS, lambda event, case, ties: [case.department_id]),
    Recipient.LEAD_HEADS: (
        frozenset({Role.DEPARTMENT_HEAD}),
        lambda event, case, ties: [case.department_id],
    ),
    Recipient.COOPERATING: (
        HANDLERS,
        lambda event, case, ties: sorted(ties.cooperating.get(case.pk, ())),
    ),
    Recipient.FORMER_LEAD: (
        HANDLERS,
        lambda event, case, ties: sorted(ties.former.get((case.pk, event.at), ())),
    ),
    Recipient.DISPATCHERS: (DESK, lambda event, case, ties: [case.desk_id]),
}


class People:
    """Everybody whom a stretch may have to tell, loaded together: two queries."""

    def __init__(self, wanted: Iterable[Wanted]) -> None:
        wanted = list(wanted)
        bodies = {one.organisation for one in wanted if one.organisation is not None}
        self._above = self._chains(bodies)
        above = {pk for chain in self._above.values() for pk in chain}
        in_bodies = {role for one in wanted if one.organisation is not None for role in one.roles}
        in_bodies |= STAFF
        posts = {role for one in wanted if one.organisation is None for role in one.roles}
        ids = {pk for one in wanted for pk in one.people}
        self.by_id = self._load(above, in_bodies, posts, ids)
        self._in_body: dict[int | None, list[User]] = defaultdict(list)
        for person in self.by_id.values():
            self._in_body[person.organisation_id].append(person)

    @staticmethod
    def _chains(bodies: set[int]) -> dict[int, list[int]]:
        """Return each body with those above it, itself first; no root of the city's tree."""
        rows = Organisation.objects.filter(pk__in=bodies).values_list("pk", "path")
        chains = {}
        for pk, path in rows if bodies else ():
            steps = [int(part) for part in path.split(".") if part]
            chains[pk] = [step for step in reversed(steps) if step == pk or step != steps[0]]
        return chains

    @staticmethod
    def _load(
        bodies: set[int], in_bodies: set[Role], posts: set[Role], ids: set[int]
    ) -> dict[int, User]:
        holds = User.groups.through.objects.filter(user_id=OuterRef("pk"))
        condition = Q(pk__in=ids)
        if bodies:
            at_work = Exists(holds.filter(group__name__in=sorted(in_bodies)))
            condition |= Q(organisation__in=bodies) & Q(at_work)
        if posts:
            condition |= Q(Exists(holds.filter(group__name__in=sorted(posts))))
        people = User.objects.with_roles().filter(condition, is_active=True)
        return {person.pk: person for person in people.order_by("pk")}

    def told(self, wanted: Wanted, now: datetime) -> list[User]:
        """Return the people whom one wish means."""
        if wanted.people:
            return [self.by_id[pk] for pk in sorted(wanted.people) if pk in self.by_id]
        if wanted.organisation is not None:
            return self._of_body(wanted.organisation, wanted.roles)
        holders = [
            person
            for person in self.by_id.values()
            if person.city_id == wanted.city and person.roles & wanted.roles
        ]
        if not wanted.is_on_shift:
            return holders
        on_shift = [one for one in holders if one.last_login and one.last_login >= now - SHIFT]
        return on_shift or holders

    def _of_body(self, organisation: int, roles: frozenset[Role]) -> list[User]:
        for body in self._above.get(organisation, ()):
            found = [person for person in self._in_body[body] if person.roles & roles]
            if found or any(person.roles & STAFF for person in self._in_body[body]):
                return found
        return []
