"""One step of a case as the people of the city would take it, through the same door as theirs.

Who may take a step stands in the workflow's table; here is only what they write and choose. The
demo's past (``desks.demo.history``) and present (``desks.demo.simulation``) are both played so.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, FloatField, Func
from django.utils import timezone

from accounts.models import City, Organisation, User
from accounts.roles import Role
from cases.acceptor.duplicates import duplicates_of
from cases.choices import departments_for, squads_for
from cases.errors import ActionRefused
from cases.models import ApprovalRequest, Case, Photo, Source, SubOrder
from cases.selectors import standards_for
from cases.services import case_act, case_report
from cases.services.photos import photo_copy
from cases.workflow import State, arrows_from
from components.models import CaseType, Component, LimitUnit, Profile
from desks.demo.cashier import Cashier
from desks.demo.cast import Cast
from desks.demo.names import person_name
from desks.demo.pictures import AFTER, BEFORE, Pictures
from dispatch.selectors import suggest_department
from grid.selectors import OutsideCity, locate

REPORTS = settings.BASE_DIR / "fixtures" / "demo" / "reports.jsonl"
SOURCES = {
    Source.COLLECTOR: (70, Role.COLLECTOR),
    Source.HOTLINE: (13, Role.ACCEPTOR),
    Source.PUBLIC: (8, Role.ACCEPTOR),
    Source.VIDEO: (4, Role.ACCEPTOR),
    Source.SENSOR: (2, Role.SHARING_PARTNER),
    Source.MEDIA: (2, Role.ACCEPTOR),
    Source.LEADER: (1, Role.LEADER),
}
ASIDE_DEGREES = 0.0002  # an event happens some 20 m from the thing chosen as its place
TRIES = 20

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """A step about to be taken."""

    player: Player
    case: Case
    actor: User | None
    now: datetime

    @property
    def chance(self) -> random.Random:
        """The dice of the game."""
        return self.player.chance

    def photo(self, when: str) -> list[int]:
        """Return a fresh photo of the actor's: what the case is about, before or after."""
        assert self.actor is not None
        return self.player.photos(self.case.type.code if self.case.type else "", when, self)


class CannotPlay(Exception):
    """Nobody is there to take this step, or there is nothing to choose."""


class Player:
    """Plays cases of a city: knows its people, places, pictures and what gets reported."""

    def __init__(
        self,
        city: City,
        chance: random.Random,
        pictures: Pictures,
        without: Collection[str] = frozenset(),
    ) -> None:
        self.chance = chance
        self.cast = Cast(city, chance, without)
        self.cashier = Cashier(self.cast, chance)
        self.pictures = pictures
        lines = REPORTS.read_text(encoding="utf-8").splitlines()
        self.reports = [json.loads(line) for line in lines]
        self.scene_of = {entry["type"]: entry["scene"] for entry in self.reports}
        self.self_handled = set(
            CaseType.objects.filter(is_self_handling_allowed=True).values_list("code", flat=True)
        )
        self.spots = _spots(city)
        self.everywhere = [spot for spots in self.spots.values() for spot in spots]
        self.places: dict[str, Place] = {}  # where something comes back, by its name

    # ── reporting ─────────────────────────────────────────────────────────────────────────────

    def report(
        self,
        now: datetime,
        source: str | None = None,
        street: str = "",
        type_code: str | None = None,
        spot: str = "",
        self_handled_share: float = 0.0,
        **wishes: Any,
    ) -> Case:
        """Report something; a source, street and type may be given, and fields of the report.

        Of what collectors may put right on the spot, ``self_handled_share`` of 1 they have. What
        has the same ``spot`` is reported at the same place again.

        Raises CannotPlay where nobody is left to report, such as in a city without components.
        """
        entries = [row for row in self.reports if type_code in (None, row["type"])]
        entry = self.chance.choices(entries, [row["weight"] for row in entries])[0]
        source = source or self._source(entry)
        place = self._same_place(spot) or self._place(entry["type"], street, now)
        self.places[spot] = place
        reporter = self._reporter(source, place.cell_id, now)
        may_handle = source == Source.COLLECTOR and entry["type"] in self.self_handled
        wishes["is_self_handled"] = may_handle and self.chance.random() < self_handled_share
        wishes.setdefault("urgency", "urgent" if self.chance.random() < 0.02 else "normal")
        with transaction.atomic():
            wishes.setdefault("photo_ids", self._first_photos(entry, source, reporter, now))
            return case_report(
                actor=reporter,
                source=source,
                description=self.chance.choice(entry["texts"]),
                lon=place.lon,
                lat=place.lat,
                now=now,
                type_code=entry["type"],
                component_code=place.component,
                **self._caller(source, now),
                **wishes,
            )

    def _source(self, entry: dict[str, Any]) -> str:
        allowed = entry.get("sources") or [name for name in SOURCES if name != Source.SENSOR]
        return self.chance.choices(allowed, [SOURCES[Source(name)][0] for name in allowed])[0]

    def _same_place(self, spot: str) -> Place | None:
        return self.places.get(spot) if spot else None

    def _place(self, type_code: str, street: str, now: datetime) -> Place:
        """Return a component of the type, or for an event a place near any component."""
        spots = (
            [spot for spot in self.spots.get(type_code, ()) if spot.cell.startswith(street)]
            or [spot for spot in self.everywhere if spot.cell.startswith(street)]
            or self.everywhere
        )
        day = timezone.localdate(now)
        for _try in range(TRIES if spots else 0):
            spot = self.chance.choice(spots)
            lon, lat, code = spot.lon, spot.lat, spot.code
            if type_code != spot.type:
                lon += self.chance.uniform(-ASIDE_DEGREES, ASIDE_DEGREES)
                lat += self.chance.uniform(-ASIDE_DEGREES, ASIDE_DEGREES)
            try:
                cell_id = locate(lon, lat, on=day).cell_id
            except OutsideCity:
                continue
            if self.cast.collectors_on(cell_id, day):
                return Place(lon, lat, cell_id, code if type_code == spot.type else None)
        raise CannotPlay("no place")

    def _reporter(self, source: str, cell_id: int, now: datetime) -> User:
        if source == Source.COLLECTOR:
            return self.chance.choice(self.cast.collectors_on(cell_id, timezone.localdate(now)))
        person = self.cast.one(SOURCES[Source(source)][1])
        if person is None:
            raise CannotPlay(source)
        return person

    def _caller(self, source: str, now: datetime) -> Fields:
        if source not in (Source.HOTLINE, Source.PUBLIC):
            return {}
        key = f"{now.isoformat()}{self.chance.random()}"
        return {
            "reporter_name": person_name(key),
            "reporter_phone": f"1000000{self.chance.randrange(10_000):04d}",
        }

    def _first_photos(
        self, entry: dict[str, Any], source: str, reporter: User, now: datetime
    ) -> list[int]:
        if source not in (Source.COLLECTOR, Source.PUBLIC, Source.VIDEO):
            return []
        return [self._copy(entry["scene"], BEFORE, reporter, now).pk]

    def photos(self, type_code: str, when: str, turn: Turn) -> list[int]:
        """Return one new photo of the actor's, of the scene a type looks like."""
        assert turn.actor is not None
        scene = self.scene_of.get(type_code, "asphalt")
        return [self._copy(scene, when, turn.actor, turn.now).pk]

    def _copy(self, scene: str, when: str, owner: User, now: datetime) -> Photo:
        return photo_copy(
            photo=self.chance.choice(self.pictures[scene, when]), owner=owner, now=now
        )

    # ── acting ────────────────────────────────────────────────────────────────────────────────

    def act(self, case: Case, action: str, now: datetime) -> Case:
        """Let somebody who may take this step take it.

        Raises CannotPlay when nobody plays the post, ActionRefused when the door refuses.
        """
        posts = [post for arrow in arrows_from(State(case.state), action) for post in arrow.posts]
        refused: ActionRefused | None = None
        for post in dict.fromkeys(posts):
            actor = self.cast.in_post(post, case)
            if actor is None:
                continue
            try:
                return self._act_as(case, action, actor, now)
            except ActionRefused as error:
                if error.code not in ("role_refused", "same_person", "not_possible"):
                    raise
                refused = error
        raise refused or CannotPlay(action)

    def _act_as(self, case: Case, action: str, actor: User, now: datetime) -> Case:
        turn = Turn(self, case, actor, now)
        with transaction.atomic():
            fields = fields_for(action)(turn)
            done = case_act(
                case_id=case.pk,
                action=action,
                actor=actor,
                now=now,
                version=case.version,
                **fields,
            )
            self.cashier.follow(done, action, actor, now, lambda: turn.photo(AFTER))
            return done


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is reported."""

    lon: float
    lat: float
    cell_id: int
    component: str | None


@dataclass(frozen=True, slots=True)
class Spot:
    """A component as a place where something may be wrong."""

    type: str
    code: str
    cell: str
    lon: float
    lat: float


def _spots(city: City) -> dict[str, list[Spot]]:
    """Return the components in use by type."""
    rows = (
        Component.objects.filter(city=city, retired_date__isnull=True)
        .order_by("code")
        .values_list(
            "type__code",
            "code",
            "cell__code",
            Func(F("point"), function="ST_X", output_field=FloatField()),
            Func(F("point"), function="ST_Y", output_field=FloatField()),
        )
    )
    spots: dict[str, list[Spot]] = defaultdict(list)
    for row in rows:
        spots[row[0]].append(Spot(*row))
    return spots


# ── what people write and choose ──────────────────────────────────────────────────────────────

DONE_NOTES = (
    "已安排人员到场处理完毕",
    "现场已清理，恢复原状",
    "已修复，经自查合格",
    "已劝导整改到位",
)
FAIL_NOTES = ("现场仍有残留，未处理到位", "只处理了一部分", "修复处不平整，需返工")
RETURN_REASONS = ("经核查不属于本单位管辖范围", "该设施权属为其他单位")
EXTENSION_REASONS = ("需采购配件，申请延期", "连续降雨无法施工，申请延期")
SUSPENSION_REASONS = ("需专项施工，列入改造计划", "涉及产权纠纷，正在协调")
INSTRUCTIONS = ("请抓紧处理，注意安全防护。", "请举一反三，排查周边同类问题。")


def _accept(turn: Turn) -> Fields:
    return {} if turn.case.address else {"address": "道路旁"}


def _somebody(turn: Turn, avoid: set[int | None]) -> Fields:
    day = timezone.localdate(turn.now)
    walkers = turn.player.cast.collectors_on(turn.case.cell_id, day)
    free = [person for person in walkers if person.pk not in avoid] or walkers
    if not free:
        raise CannotPlay("collector")
    return {"collector": turn.chance.choice(free).username}


def _standard(turn: Turn) -> Fields:
    if turn.case.standard_id is not None or turn.case.type is None:
        return {}
    day = timezone.localdate(turn.now)
    rows = list(standards_for(turn.case.type, turn.case.zone_grade, day))
    wanted = turn.chance.choices(
        (Profile.GENERAL, Profile.ENGINEERING, Profile.EMERGENCY), (90, 6, 4)
    )[0]
    if turn.case.urgency == "urgent":
        wanted = Profile.EMERGENCY
    found = next((row for row in rows if row.profile == wanted), rows[0] if rows else None)
    if found is None:
        raise CannotPlay("standard")
    return {"standard": found.pk}


def _department(turn: Turn) -> Fields:
    if turn.case.state == State.REWORK and turn.case.department_id is not None:
        return {}
    suggestion = suggest_department(turn.case, turn.now)
    if suggestion.organisation is None:
        raise CannotPlay("department")
    if _has_just_returned(turn.case, suggestion.organisation):
        others = departments_for(turn.case).exclude(pk=suggestion.organisation.pk)
        other = turn.chance.choice(list(others.order_by("path")))
        return {"department": other.code, "reason": "原承办单位退回，改派"}
    return {"department": suggestion.organisation.code, "reason": suggestion.reason}


def _has_just_returned(case: Case, department: Organisation) -> bool:
    last = case.sub_orders.filter(is_lead=True).order_by("-pk").first()
    returned = SubOrder.Outcome.RETURNED
    return bool(last and last.outcome == returned and last.organisation_id == department.pk)


def _desk(turn: Turn) -> Fields:
    desk = turn.player.cast.desk_below(turn.case)
    if desk is None or desk.pk == turn.case.desk_id:
        raise CannotPlay("desk")
    return {"desk": desk.code}


def _completion(turn: Turn) -> Fields:
    return {
        "photos": turn.photo(AFTER),
        "note": turn.chance.choice(DONE_NOTES),
        "closing_answers": [{"met": True, "remark": ""} for _each in turn.case.closing_conditions],
    }


def _open_request(turn: Turn, action: str) -> ApprovalRequest:
    kind = {"reopen": "reopen"}.get(action) or action.split("_", 1)[1]
    found = turn.case.requests.filter(status=ApprovalRequest.Status.OPEN, kind=kind).first()
    if found is None:
        raise CannotPlay("request")
    return found


def _master(turn: Turn) -> Fields:
    found = duplicates_of(turn.case, user=None, now=turn.now, case_type=turn.case.type)
    near = [row for row in found if row.type_id == turn.case.type_id]
    if not near or turn.actor is None:
        raise CannotPlay("master")
    return {"master": near[0].number}


def _squad(turn: Turn) -> Fields:
    everybody = turn.player.cast
    squads = [row for row in squads_for(turn.case).order_by("path") if everybody.clerk_of(row.pk)]
    if not squads:
        raise CannotPlay("squad")
    return {
        "reason_code": "unclear",
        "reason": "责任主体不明，申请代整治",
        "squad": turn.chance.choice(squads).code,
        "estimate": str(turn.chance.randrange(8, 60) * 100),
    }


def _reply(orders: Any) -> Fields:
    return {"order": orders.latest("pk").number, "reply": "已安排专人跟进，原因已查明，正在整改。"}


def _in_days(turn: Turn, days: float) -> str:
    return (turn.now + timedelta(days=days)).isoformat()


FIELDS: dict[str, Callable[[Turn], Fields]] = {
    "accept": _accept,
    "ask_confirmation": lambda turn: _somebody(turn, set()),
    "judge_valid": _accept,
    "refuse": lambda turn: {
        "reason_code": turn.chance.choice(("no_condition", "not_management", "not_found")),
        "reply": "感谢您的反映，经核实该问题暂不符合立案条件。",
    },
    "confirm": lambda turn: {
        "outcome": turn.chance.choices(("true", "not_true", "gone"), (86, 9, 5))[0],
        "photos": turn.photo(BEFORE),
    },
    "file": _standard,
    "complete_filing": _standard,
    "dispatch": _department,
    "dispatch_urgent": lambda turn: {**_department(turn), "phone_confirmation": "已电话确认"},
    "hand_down": _desk,
    "hand_up": lambda turn: {"reason": "涉及市级单位，提请市级派遣"},
    "complete": _completion,
    "send_check": lambda turn: _somebody(turn, {turn.case.reporter_id}),
    "skip_check": lambda turn: {"reason": "现场照片清楚，无需核查"},
    "check_pass": lambda turn: {"photos": turn.photo(AFTER)},
    "check_fail": lambda turn: {
        "photos": turn.photo(BEFORE),
        "note": turn.chance.choice(FAIL_NOTES),
    },
    "send_back": lambda turn: {"reason": "材料不全，请补充"},
    "merge": _master,
    "request_return": lambda turn: {
        "reason": turn.chance.choice(RETURN_REASONS),
        "reason_code": "wrong_department",
    },
    "request_extension": lambda turn: {
        "reason": turn.chance.choice(EXTENSION_REASONS),
        "reason_code": turn.chance.choice(("weather", "parts", "coordination")),
        "extension_value": "1",
        "extension_unit": turn.case.limit_unit or LimitUnit.HOUR.value,
    },
    "request_suspension": lambda turn: {
        "reason": turn.chance.choice(SUSPENSION_REASONS),
        "reason_code": turn.chance.choice(("renewal", "dispute", "no_owner")),
        "review_at": _in_days(turn, turn.chance.randrange(15, 60)),
    },
    "request_void": lambda turn: {"reason": "重复立案，申请作废", "reason_code": "duplicate"},
    "request_proxy": _squad,
    "request_unsolved_close": lambda turn: {"reason": "条件长期不具备，申请未解决结案"},
    "propose_reopen": lambda turn: {"reason": "回访不满意，问题复发"},
    "instruct": lambda turn: {
        "text": turn.chance.choice(INSTRUCTIONS),
        "reply_due": _in_days(turn, 3),
    },
    "reply_supervision": lambda turn: _reply(turn.case.supervisionorders),
    "reply_instruction": lambda turn: _reply(turn.case.leaderinstructions),
    "rate_supervision": lambda turn: {
        "order": turn.case.supervisionorders.latest("pk").number,
        "rating": turn.chance.choice(("good", "good", "fair", "poor")),
    },
    "order_supervision": lambda turn: {
        "text": "该案已临近时限，请说明办理情况。",
        "reply_due": _in_days(turn, 2),
    },
}


def fields_for(action: str) -> Callable[[Turn], Fields]:
    """Return what to send with an action; decisions on requests share one shape."""
    if action.startswith("approve_") or action == "reopen":
        return lambda turn: {"request": _open_request(turn, action).pk}
    if action.startswith("reject_"):
        return lambda turn: {
            "request": _open_request(turn, action).pk,
            "reason": "理由不充分，请按时限处置",
        }
    return FIELDS.get(action, lambda turn: {})
