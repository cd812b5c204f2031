"""One broadcast on the air: its present state, numbered, and what changed last."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from django.utils import timezone

Parts = dict[str, bytes]  # each top-level key with its value as JSON


class Airing:
    """The state of a broadcast under one address, as its screens get it.

    A screen says which number it has: the next one follows by the delta, any other by the whole.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.number = 0
        self.parts: Parts = {}
        self.at: datetime | None = None  # of the state
        self.silent_since: datetime | None = None
        self._whole = ""
        self._delta = ""

    def take(self, state: dict[str, Any], at: datetime) -> None:
        """Take a newly computed state."""
        parts = {key: _json(value) for key, value in state.items()}
        changed = {key: value for key, value in parts.items() if self.parts.get(key) != value}
        gone = [key for key in self.parts if key not in parts]
        self.number += 1
        self.parts, self.at, self.silent_since = parts, at, None
        head = f'"broadcast":{_text(self.address)},"number":{self.number},"at":{_text(at)}'
        self._whole = f'{{"type":"state",{head},"state":{_object(parts)}}}'
        rest = f'"prev":{self.number - 1},"set":{_object(changed)},"gone":{_text(gone)}'
        self._delta = f'{{"type":"delta",{head},{rest}}}'

    def fail(self) -> None:
        """Remember since when there has been nothing new."""
        self.silent_since = self.silent_since or self.at or timezone.now()

    def text_for(self, number: int) -> tuple[str, int]:
        """Return what to send to a screen that has this number (0: nothing), and what it has then.

        Nothing ("") when there is nothing new for it.
        """
        if self.silent_since is not None:
            since = _text(self.silent_since)
            return f'{{"type":"silent","broadcast":{_text(self.address)},"since":{since}}}', number
        if number == self.number:
            return "", number
        is_next = number and number == self.number - 1
        return (self._delta if is_next else self._whole), self.number


def _json(value: Any) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)


def _text(value: Any) -> str:
    return _json(value).decode()


def _object(parts: Parts) -> str:
    pairs = (f"{_text(key)}:{value.decode()}" for key, value in parts.items())
    return f"{{{','.join(pairs)}}}"
