"""A small city and the people whom tests name: two of every post, one tied to the case, one not.

``build_cast`` fills an empty database. ``Story`` is one case on its way through the door: it knows
what each act needs, so that a test says only what it is about.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from django.utils import timezone
from django.utils.crypto import get_random_string
from PIL import Image

from accounts.models import City, Organisation, User
from accounts.roles import Role
from accounts.services import organisation_create, roles_sync, user_create
from accounts.sessions import SessionStore
from cases.errors import ActionRefused
from cases.loading import load_settings
from cases.models import ApprovalRequest, Case, LeaderInstruction, ReasonCode, SupervisionOrder
from cases.selectors import standards_for
from cases.services import case_act, case_report, photo_store
from cases.workflow import State, arrows_of
from common.prepared import Prepared, Slot
from components.loading import load_catalogue
from components.models import CaseType, Component
from components.services import component_create
from dispatch.loading import load_routing
from evaluation.loading import load_evaluation
from grid.models import Area, Beat, BeatAssignment, GridCell, Jurisdiction

NOW = datetime(2026, 3, 16, 2, 0, tzinfo=UTC)  # Monday 16 March 2026, 10:00 in Hangzhou
GUDANG = "330106007"
PASSWORD = "citydemo"

KIND = Organisation.Kind
BODIES = (  # code, kind, parent, kind of department, has a dispatch desk
    ("hangzhou", KIND.CITY, "", "", False),
    ("centre", KIND.CENTRE, "hangzhou", "", False),
    ("platform", KIND.CENTRE, "hangzhou", "", True),
    ("sanitation", KIND.DEPARTMENT, "hangzhou", "sanitation", False),
    ("gardens", KIND.DEPARTMENT, "hangzhou", "gardens", False),
    ("water", KIND.ENTERPRISE, "hangzhou", "water", False),
    ("squad", KIND.SQUAD, "hangzhou", "", False),
    ("eyes", KIND.CONTRACTOR, "hangzhou", "", False),
    ("scouts", KIND.CONTRACTOR, "hangzhou", "", False),
    ("partner", KIND.ENTERPRISE, "hangzhou", "", False),
    ("xihu", KIND.DISTRICT, "hangzhou", "", True),
    ("gongshu", KIND.DISTRICT, "hangzhou", "", True),
    ("gudang", KIND.STREET, "xihu", "territory", False),
)
PEOPLE = (  # log-in, role, organisation
    ("collector_chen", Role.COLLECTOR, "eyes"),
    ("collector_lin", Role.COLLECTOR, "eyes"),
    ("collector_far", Role.COLLECTOR, "scouts"),
    ("acceptor_wang", Role.ACCEPTOR, "centre"),
    ("acceptor_wu", Role.ACCEPTOR, "centre"),
    ("supervisor_zhao", Role.SHIFT_SUPERVISOR, "centre"),
    ("dispatcher_li", Role.DISPATCHER, "platform"),
    ("dispatcher_xihu", Role.DISPATCHER, "xihu"),
    ("dispatcher_gongshu", Role.DISPATCHER, "gongshu"),
    ("clerk_sun", Role.DEPARTMENT_CLERK, "sanitation"),
    ("head_qian", Role.DEPARTMENT_HEAD, "sanitation"),
    ("clerk_hua", Role.DEPARTMENT_CLERK, "gardens"),
    ("head_shu", Role.DEPARTMENT_HEAD, "gardens"),
    ("clerk_shui", Role.DEPARTMENT_CLERK, "water"),
    ("squad_gao", Role.PROXY_SQUAD, "squad"),
    ("leader_tang", Role.LEADER, "centre"),
    ("inspector_he", Role.INSPECTOR, "centre"),
    ("manager_ma", Role.CONTRACTOR_MANAGER, "eyes"),
    ("administrator_bai", Role.ADMINISTRATOR, "centre"),
    ("partner_dong", Role.SHARING_PARTNER, "partner"),
)
EVERYTHING = (
    Role.COLLECTOR,
    Role.ACCEPTOR,
    Role.SHIFT_SUPERVISOR,
    Role.DEPARTMENT_CLERK,
    Role.LEADER,
)
FAMILY = ("jack_lu", "jill_lu")  # who have every post at once, in the department that handles


@dataclass
class Cast:
    """The city, its bodies and its people; people are attributes by their log-in."""

    city: City
    bodies: dict[str, Organisation]
    people: dict[str, User]
    place: tuple[float, float]
    component: Component

    def __getattr__(self, name: str) -> User:
        try:
            return self.__dict__["people"][name]
        except KeyError:
            raise AttributeError(name) from None

    def everybody(self) -> Iterator[User]:
        """Everyone who has a log-in."""
        return iter(self.people.values())

    def hire(self, name: str, body: str, role: Role) -> User:
        """Give a body one more person."""
        self.people[name] = user_create(
            username=name,
            password=PASSWORD,
            city=self.city,
            organisation=self.bodies[body],
            display_name=name,
            roles=[role],
        )
        return self.people[name]

    def near(self, metres: float) -> tuple[float, float]:
        """Return a place so far north of the usual one."""
        lon, lat = self.place
        return lon, lat + metres / 111_195


def build_cast(city: City, now: datetime = NOW) -> Cast:
    """Give the small city its catalogue, settings, bodies and people."""
    load_catalogue()
    load_settings(city, now)
    roles_sync()
    bodies: dict[str, Organisation] = {}
    for code, kind, parent, department_kind, has_desk in BODIES:
        bodies[code] = organisation_create(
            city=city,
            code=code,
            kind=kind,
            name=code,
            parent=bodies.get(parent),
            department_kind=department_kind,
            has_dispatch_desk=has_desk,
        )
    for name, role, body in PEOPLE:
        user_create(
            username=name,
            password=PASSWORD,
            city=city,
            organisation=bodies[body],
            display_name=name,
            roles=[role],
            is_staff=role is Role.ADMINISTRATOR,
        )
    for name in FAMILY:
        user_create(
            username=name,
            password=PASSWORD,
            city=city,
            organisation=bodies["sanitation"],
            display_name=name,
            roles=EVERYTHING,
        )
    user_create(
        username="root",
        password=PASSWORD,
        city=city,
        organisation=bodies["centre"],
        display_name="root",
        roles=[],
        is_staff=True,
        is_superuser=True,
    )
    load_routing(city, now)
    load_evaluation()
    people = {user.username: user for user in User.objects.with_roles().order_by("pk")}
    cell = _usual_cell()
    _give_ground(bodies, people, cell)
    component_create(
        actor=None,
        type=CaseType.objects.get(code="C0305"),
        geometry=cell.geometry.point_on_surface,
        competent_body=bodies["sanitation"],
        on=timezone.localdate(now),
    )
    return find_cast(city)


def find_cast(city: City) -> Cast:
    """Return the cast that was built."""
    bodies = {body.code: body for body in Organisation.objects.filter(city=city)}
    people = {user.username: user for user in User.objects.with_roles().order_by("pk")}
    component = Component.objects.get()
    return Cast(city, bodies, people, component.point.coords, component)


def _usual_cell() -> GridCell:
    """The largest built-up cell of Gudang: room for places near each other."""
    return (
        GridCell.objects.filter(code__startswith=GUDANG, kind=GridCell.Kind.BUILT)
        .order_by("-area_m2", "code")
        .first()
    )


def _give_ground(bodies: dict[str, Organisation], people: dict[str, User], cell: GridCell) -> None:
    since = cell.valid_from
    for code, area in (("xihu", "330106"), ("gongshu", "330105")):
        Jurisdiction.objects.create(
            organisation=bodies[code],
            function=Jurisdiction.Function.DISPATCH,
            area=Area.objects.get(code=area),
            valid_from=since,
        )
    beat = Beat.objects.filter(cells=cell).first()
    for name in ("collector_chen", "collector_lin"):
        BeatAssignment.objects.create(beat=beat, collector=people[name], valid_from=since)


def browser_of(user: User, **options: Any) -> Client:
    """Return a browser that speaks English, with the session of somebody who has logged in."""
    browser = Client(headers={"accept-language": "en"}, **options)
    browser.cookies[settings.SESSION_COOKIE_NAME] = session_of(user)
    return browser


def session_of(user: User) -> str:
    """Return the key of a session as logging in leaves it; logging in has tests of its own."""
    store = SessionStore()
    content = {
        SESSION_KEY: str(user.pk),
        BACKEND_SESSION_KEY: "accounts.backends.PersonBackend",
        HASH_SESSION_KEY: user.get_session_auth_hash(),
    }
    key = get_random_string(32, VALID_KEY_CHARS)
    Session.objects.create(
        session_key=key, session_data=store.encode(content), expire_date=store.get_expiry_date()
    )
    return key


def picture(
    size: tuple[int, int] = (64, 48), kind: str = "JPEG", colour: str = "gray", **options: Any
) -> bytes:
    """Return the bytes of a real picture."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind, **options)
    return out.getvalue()


GRAY = picture()


def photo_of(owner: User, now: datetime = NOW) -> int:
    """Store a photo of somebody's own; returns its id."""
    return photo_store(owner=owner, upload=ContentFile(GRAY), now=now).pk


# What most acts ask for.
STATE = Prepared(Case.objects.filter(pk=Slot("case")).values_list("state", flat=True))
STANDARD = Prepared(standards_for(Slot("type"), Slot("zone"), Slot("day"))[:1])
REASON = Prepared(ReasonCode.objects.filter(action=Slot("action"))[:1])


@dataclass
class Story:
    """One case, told act by act: one that is there already, or else one that is reported."""

    cast: Cast
    now: datetime = NOW
    type_code: str | None = "E0102"
    source: str = "collector"
    is_self_handled: bool = False
    metres: float = 0
    case: Case | None = None

    def __post_init__(self) -> None:
        if self.case is not None:
            return
        reporter = {"collector": "collector_chen", "leader": "leader_tang"}.get(
            self.source, "acceptor_wang"
        )
        lon, lat = self.cast.near(self.metres)
        self.case = case_report(
            actor=self.cast.people[reporter],
            source=self.source,
            lon=lon,
            lat=lat,
            now=self.now,
            type_code=self.type_code,
            description="路边有一堆垃圾",
            is_self_handled=self.is_self_handled,
        )

    def act(self, action: str, actor: User | None, **fields: Any) -> Case:
        """Act with what the table requires; ``fields`` replace what would be sent."""
        given = {**self.good_fields(action, actor), **fields}
        self.case = case_act(
            case_id=self.case.pk, action=action, actor=actor, now=self.now, **given
        )
        return self.case

    def extend(self, **fields: Any) -> Case:
        """Ask for an extension and have it granted by whoever must agree, one after the other."""
        self.act("request_extension", self.cast.clerk_sun, **fields)
        for name in ("dispatcher_li", "leader_tang"):
            if self.case.requests.filter(kind="extension", status="open").exists():
                self.act("approve_extension", self.cast.people[name])
        return self.case

    def refused(self, action: str, actor: User | None, **fields: Any) -> ActionRefused:
        """Act, expect a refusal and return it; what was half done is rolled back."""
        try:
            with transaction.atomic():
                self.act(action, actor, **fields)
        except ActionRefused as refusal:
            return refusal
        raise AssertionError(f"{action} by {actor} went through in {self.case.state}")

    def good_fields(self, action: str, actor: User | None) -> dict[str, Any]:
        """Return a right value for every field some row of this action requires here."""
        state = State(STATE(case=self.case.pk)[0])
        rows = [row for row in arrows_of(action) if row.source is state]
        names = dict.fromkeys(name for row in rows for name in row.requires)
        if action == "refuse":
            names["reply"] = None  # citizens must be answered
        return {name: self.good_value(name, action, actor) for name in names}

    def good_value(self, name: str, action: str, actor: User | None) -> Any:  # noqa: C901
        case = self.case
        if name == "type":
            return case.type.code if case.type else "E0102"
        if name == "photos":
            return [photo_of(actor, self.now)] if actor else []
        if name in ("standard", "profile"):
            case_type = case.type or CaseType.objects.get(code="E0102")
            day = timezone.localdate(self.now)
            standard = STANDARD(type=case_type.pk, zone=case.zone_grade, day=day)[0]
            return standard.pk if name == "standard" else standard.profile
        if name == "closing_answers":
            return [{"met": True, "remark": "已清"} for _each in case.closing_conditions]
        if name == "reason_code":
            return REASON(action=action)[0].code
        if name == "request":
            kind = next(row.request[1] for row in arrows_of(action) if row.request)
            found = ApprovalRequest.objects.filter(case=case, kind=kind, status="open").first()
            return found.pk if found else 1
        if name == "order":
            model = SupervisionOrder if "supervision" in action else LeaderInstruction
            waiting = {"replied_at__isnull": action.startswith("reply_"), "rated_at": None}
            found = model.objects.filter(case=case, **waiting).first()
            return found.number if found else "S0"
        if name == "assignee":
            return f"person:{actor.username if actor else 'clerk_sun'}"
        if name == "master":
            others = Case.objects.filter(is_open=True).exclude(pk=case.pk)
            return others.values_list("number", flat=True).first() or "20260101"
        if name in ("review_at", "reply_due", "expected_at"):
            return (self.now + timedelta(days=10)).isoformat()
        return GOOD_VALUES[name]

    def sent_back(self, *departments: str) -> Story:
        """Give the case to departments, one after the other, each of which returns it."""
        clerks = {"sanitation": self.cast.clerk_sun, "gardens": self.cast.clerk_hua}
        for department in departments:
            self.act("dispatch", self.cast.dispatcher_li, department=department)
            self.act("request_return", clerks[department])
            self.act("approve_return", self.cast.dispatcher_li)
        return self

    def walk_to(self, state: State) -> Story:
        """Take the usual road to a state."""
        for actor, action in ROADS[state]:
            self.act(action, self.cast.people[actor])
        assert self.case.state == state, self.case.state
        return self


GOOD_VALUES = {
    "address": "古荡路 1 号",
    "urgency": "normal",
    "collector": "collector_lin",
    "department": "sanitation",
    "squad": "squad",
    "estimate": "3000",
    "cooperating": [{"organisation": "water"}],
    "sub_order": "water",
    "link": "1",
    "answer": "done",
    "desk": "xihu",
    "reason": "属于本辖区",
    "note": "已处理",
    "text": "请尽快办理",
    "reply": "已安排",
    "rating": "good",
    "outcome": "true",
    "phone_confirmation": "已与值班电话确认",
    "extension_value": "2",
    "extension_unit": "working_hour",
}

Road = tuple[tuple[str, str], ...]
_ACCEPTED: Road = (("acceptor_wang", "accept"),)
_FILED: Road = (*_ACCEPTED, ("supervisor_zhao", "file"))
_DISPATCHED: Road = (*_FILED, ("dispatcher_li", "dispatch"))
_HANDLING: Road = (*_DISPATCHED, ("clerk_sun", "sign"))
_HANDLED: Road = (*_HANDLING, ("clerk_sun", "complete"))
_CHECKING: Road = (*_HANDLED, ("acceptor_wang", "send_check"))
_CHECKED: Road = (*_CHECKING, ("collector_lin", "check_pass"))
ROADS: dict[State, Road] = {
    State.REPORTED: (),
    State.CONFIRMING: (("acceptor_wang", "ask_confirmation"),),
    State.ACCEPTED: _ACCEPTED,
    State.FILED: _FILED,
    State.DISPATCHED: _DISPATCHED,
    State.HANDLING: _HANDLING,
    State.SUSPENDED: (
        *_HANDLING,
        ("clerk_sun", "request_suspension"),
        ("dispatcher_li", "approve_suspension"),
        ("leader_tang", "approve_suspension"),
    ),
    State.HANDLED: _HANDLED,
    State.CHECKING: _CHECKING,
    State.REWORK: (*_CHECKING, ("collector_lin", "check_fail")),
    State.CHECKED: _CHECKED,
    State.CLOSED: (*_CHECKED, ("supervisor_zhao", "close")),
    State.REFUSED: (("acceptor_wang", "refuse"),),
    State.VOIDED: (
        *_FILED,
        ("dispatcher_li", "request_void"),
        ("supervisor_zhao", "approve_void"),
    ),
    State.MERGED: (("acceptor_wang", "merge"),),
}
