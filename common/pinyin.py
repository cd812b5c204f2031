"""How Chinese names sound, for search by pinyin and initials and for writing in Latin letters."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

# How characters with several readings sound in names of places, where no phrase says otherwise.
_IN_NAMES = {ord("长"): "cháng,zhǎng", ord("幢"): "zhuàng"}
_FOREIGN = "\0"  # marks what is no Chinese character in a list of syllables


def search_keys(name: str) -> tuple[str, str]:
    """Return a Chinese name's pinyin and its initials, without spaces, in lower case.

    >>> search_keys("雨水井盖")
    ('yushuijinggai', 'ysjg')
    """
    sounds = _sounds("".join(char for char in name if char.isalnum()))
    pinyin = "".join(sound.lstrip(_FOREIGN) for sound in sounds)
    initials = "".join(sound[1:] if sound.startswith(_FOREIGN) else sound[:1] for sound in sounds)
    return pinyin.lower(), initials.lower()


def syllables(name: str) -> list[str]:
    """Return how each character of a name sounds; what is no Chinese character sounds as itself.

    >>> syllables("垃圾12")
    ['la', 'ji', '1', '2']
    """
    sounds: list[str] = _reader()(name, errors=list)
    return [sound.lower() for sound in sounds]


def romanised(name: str) -> str:
    """Return a Chinese name as one capitalised word: 武林 → Wulin, 西安 → Xi'an."""
    word = ""
    for sound in _sounds(name):
        syllable = sound.lstrip(_FOREIGN)
        word += ("'" if word and syllable[:1] in ("a", "e", "o") else "") + syllable
    return word[:1].upper() + word[1:]


def _sounds(text: str) -> list[str]:
    return _reader()(text, errors=lambda foreign: _FOREIGN + foreign)


@cache
def _reader() -> Callable[..., list[str]]:
    # The dictionary takes a fifth of a second and 40 MB: only who needs sounds shall pay for it.
    from pypinyin import lazy_pinyin, load_single_dict  # noqa: PLC0415

    load_single_dict(_IN_NAMES)
    return lazy_pinyin
