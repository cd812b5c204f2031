"""Which letters of a type's name were typed, for the reader's eye. Pure: no queries.

Chinese is looked for in the name, letters in its sounds: from any character on, as initials or as
pinyin of which the last syllable may be begun only.
"""

from __future__ import annotations

from dataclasses import dataclass

from common.pinyin import syllables

Parts = list[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Marked:
    """A name and how it sounds, in parts, each with whether it was typed."""

    name: Parts
    sound: Parts

    @property
    def is_hit(self) -> bool:
        """Whether anything of it was typed."""
        return any(is_hit for _text, is_hit in (*self.name, *self.sound))


def marked(name: str, text: str) -> Marked:
    """Mark what was typed in a name; its initials stand beside it, or its pinyin if that was typed.

    >>> marked("雨水井盖", "jg")
    Marked(name=[('雨水', False), ('井盖', True)], sound=[('ys', False), ('jg', True)])
    """
    sounds = syllables(name)
    initials = [sound[:1] for sound in sounds]
    letters = text.lower().replace(" ", "").replace("'", "")
    if not letters.isascii() or not letters:
        at = name.find(text) if text else -1
        span = (at, at + len(text)) if at >= 0 else (0, 0)
        return Marked(_cut(list(name), span), _cut(initials, span))
    at = "".join(initials).find(letters)
    if at >= 0:
        span = at, at + len(letters)
        return Marked(_cut(list(name), span), _cut(initials, span))
    span = _spoken(sounds, letters)
    return Marked(_cut(list(name), span), _cut(sounds if span != (0, 0) else initials, span))


def _spoken(sounds: list[str], letters: str) -> tuple[int, int]:
    """Return which syllables the letters spell, from the first to behind the last."""
    for first in range(len(sounds)):
        spelt = ""
        for last in range(first, len(sounds)):
            spelt += sounds[last]
            if spelt.startswith(letters):
                return first, last + 1
            if not letters.startswith(spelt):
                break
    return 0, 0


def _cut(pieces: list[str], span: tuple[int, int]) -> Parts:
    first, last = span
    parts = [(pieces[:first], False), (pieces[first:last], True), (pieces[last:], False)]
    return [("".join(part), is_hit) for part, is_hit in parts if part]
