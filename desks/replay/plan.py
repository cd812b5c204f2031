"""Which steps a request takes through this city's workflow, and when. Pure.

A closed request takes the whole loop. The others stop where their status says: open ones wait for
the acceptor, assigned ones for the department's signature, started ones and those in progress are
being handled, pending ones are suspended by a request that desk and leader approve. What a citizen
reports is confirmed on site first; what is urgent is dispatched first and filed afterwards.

Times lie between creation and closing: an office step takes a few minutes of its own or its share
of the whole, whichever is less; handling takes the rest. They follow from the request's key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from cases.workflow import Post
from desks.replay.source import CLOSED, Request


@dataclass(frozen=True, slots=True)
class Pace:
    """Most minutes a step usually takes, and the most it may take of the whole time."""

    post: Post
    minutes: float
    share: float


@dataclass(frozen=True, slots=True)
class Step:
    """One call of the door: what, by whom, when (in the file's own time)."""

    action: str
    post: Post
    at: datetime


PACES: dict[str, Pace] = {
    "ask_confirmation": Pace(Post.ACC, 8, 0.03),
    "confirm": Pace(Post.COL, 50, 0.12),
    "accept": Pace(Post.ACC, 8, 0.04),
    "dispatch_urgent": Pace(Post.DSP, 10, 0.05),
    "file": Pace(Post.SUP, 25, 0.06),
    "dispatch": Pace(Post.DSP, 25, 0.06),
    "sign": Pace(Post.DEP, 45, 0.08),
    "complete_filing": Pace(Post.SUP, 25, 0.06),
    "request_suspension": Pace(Post.DEP, 90, 0.10),
    "approve_suspension": Pace(Post.DSP, 60, 0.10),
    "approve_suspension_finally": Pace(Post.LDR, 120, 0.10),
    "complete": Pace(Post.DEP, 0, 0),  # the rest
    "send_check": Pace(Post.ACC, 12, 0.04),
    "check_pass": Pace(Post.COL, 90, 0.12),
    "close": Pace(Post.SUP, 25, 0.05),
}
ACTIONS = {"approve_suspension_finally": "approve_suspension"}

FROM_CITIZEN = ("ask_confirmation", "confirm", "accept", "file", "dispatch")
FROM_COLLECTOR = ("accept", "file", "dispatch")
URGENT = ("dispatch_urgent",)
SIGNED = ("sign",)
SIGNED_URGENT = ("sign", "complete_filing")
SUSPENDED = ("request_suspension", "approve_suspension", "approve_suspension_finally")
FINISHED = ("complete", "send_check", "check_pass", "close")


def names_of(request: Request) -> tuple[str, ...]:
    """Return the steps after the report, by the status and kind of the request."""
    intake = FROM_COLLECTOR if request.source == "collector" else FROM_CITIZEN
    given_out, signed = (URGENT, SIGNED_URGENT) if request.is_urgent else (intake, SIGNED)
    return {
        "Open": (),
        "Assigned": given_out,
        "Started": (*given_out, *signed),
        "In Progress": (*given_out, *signed),
        "Pending": (*given_out, *signed, *SUSPENDED),
        CLOSED: (*given_out, *signed, *FINISHED),
    }[request.status]


def steps_of(request: Request, until: datetime) -> list[Step]:
    """Return the steps after the report with their times, never going back.

    ``until`` is when the file ends: what is not closed has come as far as it is by then.
    """
    names = names_of(request)
    whole = max((request.closed or until) - request.created, timedelta())
    waits = dict(_waits(names, whole, Random(request.key)))  # noqa: S311  not a secret
    if "complete" in waits:
        waits["complete"] = whole - sum(waits.values(), timedelta())
    steps, at = [], request.created
    for name in names:
        at += waits[name]
        steps.append(Step(ACTIONS.get(name, name), PACES[name].post, at))
    return steps


def _waits(
    names: tuple[str, ...], whole: timedelta, chance: Random
) -> Iterator[tuple[str, timedelta]]:
    for name in names:
        pace = PACES[name]
        usual = timedelta(minutes=round(pace.minutes * chance.uniform(0.2, 1.2), 1))
        yield name, min(usual, whole * pace.share)
