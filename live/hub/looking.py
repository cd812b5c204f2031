"""Presence: who looks at which case. Hints of the moment, kept nowhere.

A page says so while it is in front of somebody, again and again; it ends when the page is closed or
hidden, or has not said so for a while. Each process tells the others who looks in it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from typing import Any
from uuid import uuid4

from live.hub.lines import Line, message
from live.hub.rooms import Room
from live.publish import notify

LASTS_SECONDS = 60.0  # a page says it every twenty
TELL_SECONDS = 10.0
FORGET_SECONDS = 30.0  # what another process said
MOST_CASES = 40  # in one notification
MOST_PEOPLE = 12  # shown at a case

People = dict[int, str]  # name by id


class Looking:
    """Who looks at which case, here and in other processes."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._process = uuid4().hex[:12]
        self._here: dict[str, dict[Line, float]] = defaultdict(dict)  # until when
        self._at: dict[Line, str] = {}
        self._elsewhere: dict[str, dict[str, tuple[People, float]]] = defaultdict(dict)
        self._changed: set[str] = set()
        self._woken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to tell the other processes."""
        self._tasks = [asyncio.create_task(each) for each in (self._tell(), self._tick())]

    async def stop(self) -> None:
        """Tell nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def look(self, line: Line, number: str | None) -> None:
        """Let somebody look at a case, or at none; the others who look at it are told."""
        before = self._at.pop(line, None)
        if before is not None and before != number:
            self._here[before].pop(line, None)
            self._change(before)
        if number is not None and line.entrance.person is not None:
            self._at[line] = number
            is_new = line not in self._here[number]
            self._here[number][line] = time.monotonic() + LASTS_SECONDS
            if is_new:
                self._change(number)

    def hear(self, heard: dict[str, Any]) -> None:
        """Take what another process says about who looks there."""
        if heard["process"] == self._process:
            return
        until = time.monotonic() + FORGET_SECONDS
        for number, people in heard["looking"].items():
            told = {int(pk): name for pk, name in people.items()}
            before = self._elsewhere[number].get(heard["process"], ({}, 0.0))[0]
            self._elsewhere[number][heard["process"]] = told, until
            if told != before:
                self._show(number)

    def people(self, number: str) -> People:
        """Return who looks at a case, wherever."""
        found = self._people_here(number)
        for people, _until in self._elsewhere.get(number, {}).values():
            found |= people
        return found

    def _people_here(self, number: str) -> People:
        people = (line.entrance.person for line in self._here.get(number, ()))
        return {person.pk: str(person) for person in people if person is not None}

    def _change(self, number: str) -> None:
        self._show(number)
        self._changed.add(number)
        self._woken.set()

    def _show(self, number: str) -> None:
        """Tell everybody here who looks at a case which others do."""
        people = self.people(number)
        for line in self._here.get(number, ()):
            own = line.entrance.person
            others = [
                {"id": pk, "name": name, "initial": name[:1]}
                for pk, name in people.items()
                if own is None or pk != own.pk
            ]
            line.say(message("looking", case=number, people=others[:MOST_PEOPLE]))

    async def _tell(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            numbers, self._changed = sorted(self._changed), set()
            for start in range(0, len(numbers), MOST_CASES):
                some = {
                    number: self._people_here(number)
                    for number in numbers[start : start + MOST_CASES]
                }
                heard = {"looking": some, "process": self._process}
                text = json.dumps(heard, ensure_ascii=False, separators=(",", ":"))
                await self._room.do(notify, text)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            now = time.monotonic()
            for line in [
                line for line, number in self._at.items() if self._here[number][line] < now
            ]:
                self.look(line, None)
            for number, processes in list(self._elsewhere.items()):
                for process in [each for each, (_who, until) in processes.items() if until < now]:
                    del processes[process]
                    self._show(number)
                if not processes:
                    del self._elsewhere[number]
            for number in [number for number, lines in self._here.items() if not lines]:
                del self._here[number]
            self._changed.update(self._here)
            self._woken.set()
