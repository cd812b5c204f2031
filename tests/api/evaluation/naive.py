"""Counts from events alone, so plainly that they can be believed.

It shares nothing with ``evaluation``: no facts, clocks or measures, and a calendar that counts
minute by minute. One history after the other, one event after the other; what each came to is
counted under (measure, person, organisation).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from accounts.models import Organisation, User
from cases.models import CalendarUse, CalendarVersion, CaseEvent, StageLimit
from components.models import CaseStandard
from tests.unit.naive_calendar import NaiveCalendar

NOTICES = {"warn", "breach", "escalate", "recalculate", "urge", "return_cycle", "take_in"}
WORKING = {"minute": 1, "working_hour": 60}
NATURAL = {"hour": 60, "day": 1440, "emergency_hour": 60}
FIRST, LAST = date(2025, 1, 1), date(2027, 12, 31)


class Law:
    """Limits and calendars as the settings have them."""

    def __init__(self) -> None:
        self.calendars: dict[int, tuple[NaiveCalendar, int]] = {}
        for version in CalendarVersion.objects.all():
            data = version.data
            days = {date.fromisoformat(day): slots for day, slots in data["days"].items()}
            calendar = NaiveCalendar(FIRST, LAST, data["week"], days)
            self.calendars[version.pk] = calendar, data["nominal_day_minutes"]
        self.stages: dict[tuple[str, str], tuple[Any, str, int]] = {}
        for row in StageLimit.objects.select_related("calendar"):
            limit = (row.limit_value, row.limit_unit, row.calendar.current_version_id)
            self.stages[row.clock, row.urgency] = limit
        self.of_type: dict[str, int] = {}
        self.of_body: dict[str, int] = {}
        for use in CalendarUse.objects.select_related("type", "department", "calendar"):
            if use.type:
                self.of_type[use.type.code] = use.calendar.current_version_id
            if use.department:
                self.of_body[use.department.code] = use.calendar.current_version_id
        self.standards = {row.pk: row for row in CaseStandard.objects.all()}
        self.bodies = dict(Organisation.objects.values_list("code", "pk"))
        dispatchers = User.objects.filter(groups__name="dispatcher", organisation__kind="centre")
        [self.platform] = set(dispatchers.values_list("organisation", flat=True))

    def stage(self, clock: str, urgency: str) -> tuple[Any, str, int]:
        return self.stages.get((clock, urgency)) or self.stages[clock, ""]

    def length(self, limit: tuple[Any, str, int]) -> timedelta:
        value, unit, version = limit
        minutes = {**WORKING, **NATURAL, "working_day": self.calendars[version][1]}[unit]
        return timedelta(minutes=float(value) * minutes)

    def between(self, limit: tuple[Any, str, int], a: datetime, b: datetime) -> timedelta:
        return b - a if limit[1] in NATURAL else self.calendars[limit[2]][0].between(a, b)

    def add(self, limit: tuple[Any, str, int], start: datetime) -> datetime:
        return self.after(limit, start, self.length(limit))

    def after(self, limit: tuple[Any, str, int], start: datetime, length: timedelta) -> datetime:
        if limit[1] in NATURAL:
            return start + length
        return self.calendars[limit[2]][0].add(start, length)


class Watch:
    """A stop watch with a limit."""

    def __init__(self, law: Law, limit: tuple[Any, str, int], at: datetime, who: Any = None):
        self.law, self.limit, self.who = law, limit, who
        self.allowed = law.length(limit)
        self.used = timedelta()
        self.is_late = False
        self.since: datetime | None = at

    def pause(self, at: datetime) -> None:
        """Stand still; late is who ends after the moment at which the last of the time was used.

        That moment may be the evening's closing time: the whole night is after it, though no more
        working time has passed.
        """
        if self.since is not None:
            left = max(self.allowed - self.used, timedelta())
            self.is_late |= at > self.law.after(self.limit, self.since, left)
            self.used += self.law.between(self.limit, self.since, at)
            self.since = None

    def go(self, at: datetime) -> None:
        self.since = at


class Naive:
    """Everything counted in all histories."""

    def __init__(self) -> None:
        self.law = Law()
        self.counts: Counter[tuple[str, int | None, int | None]] = Counter()
        self.by_day: Counter[tuple[str, date]] = Counter()
        self.by_type: Counter[tuple[str, str]] = Counter()

    def read(self, case_ids: Iterable[int]) -> None:
        for case_id in case_ids:
            events = CaseEvent.objects.filter(case=case_id).order_by("sequence")
            History(self, [event for event in events if event.action not in NOTICES]).tell()


class History:
    """One case from its report on."""

    def __init__(self, naive: Naive, events: list[CaseEvent]) -> None:
        self.naive, self.law, self.events = naive, naive.law, events
        self.watches: dict[str, Watch] = {}
        self.run = 0
        self.desk = self.law.platform
        self.asked: dict[int, int | None] = {}
        self.is_effective = False
        self.standard: CaseStandard | None = None
        self.urgency = "normal"

    def tell(self) -> None:
        for event in self.events:
            self.event = event
            self.me = (event.actor_id, event.organisation_id)
            data = event.data
            if event.run != self.run:
                self.run, self.is_filed, self.watches = event.run, False, {}
                self.to, self.by, self.worker = "", (None, None), None
                self.sent: list[tuple[Any, bool]] = []
                self.whole_due: datetime | None = None
            if "changed" in data:
                self.type = data["changed"].get("type", [0, getattr(self, "type", "")])[1]
            if "standard" in data:
                self.standard = self.law.standards[data["standard"]["id"]]
                self.urgency = "urgent" if self.standard.profile == "emergency" else self.urgency
            if data.get("request") and event.action.startswith(("request_", "propose_")):
                self.asked[data["request"]["id"]] = event.actor_id
            getattr(self, f"on_{event.action}", lambda: None)()
            if "desk" in data.get("changed", {}):
                self.desk = self.law.bodies[data["changed"]["desk"][1]]
                if "dispatch" in self.watches:
                    self.watches["dispatch"].who = self.desk

    # ── helpers ───────────────────────────────────────────────────────────────────────────────

    def count(self, measure: str, who: tuple[int | None, int | None], number: int = 1) -> None:
        self.naive.counts[measure, *who] += number
        day = (self.event.at + timedelta(hours=8)).date()
        self.naive.by_day[measure, day] += number
        self.naive.by_type[measure, self.type] += number

    def start(self, kind: str, who: Any = None) -> None:
        limit = self.handle_limit() if kind == "handle" else self.law.stage(kind, self.urgency)
        self.watches[kind] = Watch(self.law, limit, self.event.at, who)

    def handle_limit(self) -> tuple[Any, str, int]:
        if self.standard is None:
            return self.law.stage("handle", self.urgency)
        usual = self.law.stage("dispatch", self.urgency)[2]
        calendar = self.law.of_body.get(self.to) or self.law.of_type.get(self.type) or usual
        return self.standard.limit_value, self.standard.limit_unit, calendar

    def stop(self, kind: str, due: str, done: str, in_time: str, who: Any = None) -> None:
        watch = self.watches.pop(kind, None)
        if watch is None:
            return
        watch.pause(self.event.at)
        who = who or self.me
        for name in {due, done}:
            self.count(name, who)
        if not watch.is_late:
            self.count(in_time, who)
        if kind == "accept":
            self.flush()

    def flush(self) -> None:
        for who, was_in_time in self.sent:
            self.count("sent_to_confirm", who)
            if was_in_time:
                self.count("sent_to_confirm_in_time", who)
        self.sent = []

    def stop_task(self, kind: str, done: str) -> None:
        watch = self.watches.pop(kind)
        watch.pause(self.event.at)
        self.count(f"{kind}_due", watch.who)
        self.count(done, watch.who)
        if not watch.is_late:
            self.count(f"{done}_in_time", watch.who)

    def stop_all(self) -> None:
        if "accept" in self.watches:
            self.flush()
        self.watches = {}

    def collector(self) -> tuple[int, int | None]:
        pk = self.event.data["collector"]
        return pk, User.objects.values_list("organisation_id", flat=True).get(pk=pk)

    def body(self) -> int | None:
        return self.law.bodies[self.to] if self.to else None

    def is_last_approval(self) -> bool:
        return "step" not in self.event.data["request"]

    def asker(self) -> int | None:
        return self.asked.get(self.event.data["request"]["id"])

    def stop_handle(self) -> None:
        watch = self.watches.pop("handle")
        watch.pause(self.event.at)
        who = (self.worker, self.body())
        self.count("handled", who)
        self.count("handled_late" if watch.is_late else "handled_in_time", who)
        self.count("handling_seconds", who, int(watch.used.total_seconds()))

    def filed(self) -> None:
        moment = self.event.at
        for clock in ("dispatch", "handle", "send_check", "check", "close"):
            limit = (
                self.handle_limit() if clock == "handle" else self.law.stage(clock, self.urgency)
            )
            moment = self.law.add(limit, moment)
        self.whole_due = moment
        if self.is_filed:
            return
        self.is_filed, self.filer = True, self.me
        self.count("filed", self.me)
        if self.source in ("hotline", "public", "media"):
            self.count("filed_public", self.me)
        if not self.is_effective:
            self.is_effective = True
            if self.source == "collector":
                self.count("effective", self.reporter)

    # ── one method an action ──────────────────────────────────────────────────────────────────

    def on_report(self) -> None:
        data = self.event.data
        self.source, self.type, self.reporter = data["source"], data["type"], self.me
        self.urgency = self.event.case.urgency  # the only thing that no report tells
        self.count("reported", self.me)
        if self.source == "collector":
            self.count("found", self.me)
        self.start("accept")

    def on_accept(self) -> None:
        self.stop("accept", "accepted", "accepted", "accepted_in_time")
        if self.event.new_state == "filed":
            self.filed()
            self.start("dispatch", self.desk)
        else:
            self.start("file")

    def on_judge_valid(self) -> None:
        self.stop("accept", "accepted", "accepted", "accepted_in_time")
        self.start("close")

    def on_ask_confirmation(self) -> None:
        accept = self.watches["accept"]
        accept.pause(self.event.at)
        self.sent.append((self.me, not accept.is_late))
        self.start("confirm", self.collector())

    def on_confirm(self) -> None:
        self.stop_task("confirm", "confirmed")
        self.watches["accept"].go(self.event.at)

    def on_refuse(self) -> None:
        self.count("refused", self.me)
        self.stop_all()

    def on_merge(self) -> None:
        self.count("merged", self.me)
        self.stop_all()

    def on_file(self) -> None:
        self.stop("file", "filing_due", "filing_due", "filed_in_time")
        self.filed()
        self.start("dispatch", self.desk)

    def on_hand_down(self) -> None:
        self.stop_dispatch()
        self.start("dispatch", self.law.bodies[self.event.data["changed"]["desk"][1]])

    def stop_dispatch(self) -> None:
        desk = self.watches["dispatch"].who
        self.stop("dispatch", "dispatch_due", "dispatch_due", "dispatched_in_time",
                  (self.event.actor_id, desk))  # fmt: skip

    def on_dispatch(self) -> None:
        desk, to = self.watches["dispatch"].who, self.event.data["department"]
        self.stop_dispatch()
        self.count("dispatched", (self.event.actor_id, desk))
        before, self.to = self.to, to
        if before and before != to:
            self.count("redispatched", self.by)
        if self.event.old_state == "rework" and "handle" in self.watches and before == to:
            self.watches["handle"].go(self.event.at)
        else:
            self.start("handle")
        self.by = (self.event.actor_id, desk)

    def on_dispatch_urgent(self) -> None:
        self.urgency = "urgent"
        self.count("dispatched", self.me)
        self.to, self.by = self.event.data["department"], self.me
        self.start("file")
        self.start("handle")

    def on_complete_filing(self) -> None:
        self.stop("accept", "accepted", "accepted", "accepted_in_time")
        self.stop("file", "filing_due", "filing_due", "filed_in_time")
        self.filed()

    def on_complete(self) -> None:
        self.watches["handle"].pause(self.event.at)
        self.worker = self.event.actor_id
        self.start("send_check")

    def on_send_check(self) -> None:
        self.stop("send_check", "sent_to_check", "sent_to_check", "sent_to_check_in_time")
        self.start("check", self.collector())

    def on_check_pass(self) -> None:
        self.stop_task("check", "checked")
        self.stop_handle()
        self.start("close")

    def on_check_fail(self) -> None:
        self.stop_task("check", "checked")
        self.count("reworked", (self.worker, self.body()))
        self.start("dispatch", self.desk)

    def on_close(self) -> None:
        self.stop("close", "closing_due", "closed", "closed_in_time")
        self.count("finished", (None, None))
        is_late = self.whole_due is not None and self.event.at > self.whole_due
        self.count("finished_late" if is_late else "finished_in_time", (None, None))

    def on_approve_return(self) -> None:
        if self.is_last_approval():
            self.count("returned", (self.asker(), self.body()))
            del self.watches["handle"]
            self.start("dispatch", self.desk)

    def on_approve_extension(self) -> None:
        if self.is_last_approval():
            self.count("extended", (self.asker(), self.body()))
            self.watches["handle"].allowed *= 2  # what the made-up cases ask for

    def on_approve_suspension(self) -> None:
        if self.is_last_approval():
            self.count("suspended", (self.asker(), self.body()))
            self.watches["handle"].pause(self.event.at)

    def on_resume(self) -> None:
        self.watches["handle"].go(self.event.at)

    def on_approve_void(self) -> None:
        if self.event.new_state == "voided":
            self.count("voided", self.filer)
            self.stop_all()

    def on_reopen(self) -> None:
        if self.event.new_state == "closed":
            return
        self.is_filed = True  # it was, in the run before
        before = [e for e in self.events if e.run == self.run - 1 and e.action == "dispatch"]
        last = self.law.bodies[before[-1].data["department"]]
        self.count("reopened", (None, last))
        self.filed()
        self.start("dispatch", self.desk)
