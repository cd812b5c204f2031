"""English names of areas: pinyin by the spelling rules, then the kind of area in English."""

from __future__ import annotations

from pypinyin import Style, lazy_pinyin, load_phrases_dict

# Characters with several readings, as they are said in these places.
load_phrases_dict(
    {
        "朝晖": [["zhāo"], ["huī"]],
        "长庆": [["cháng"], ["qìng"]],
        "长河": [["cháng"], ["hé"]],
        "长江": [["cháng"], ["jiāng"]],
        "长明": [["cháng"], ["míng"]],
        "行宫": [["xíng"], ["gōng"]],
        "六和": [["liù"], ["hé"]],
        "茅家埠": [["máo"], ["jiā"], ["bù"]],
        "满觉陇": [["mǎn"], ["jué"], ["lǒng"]],
    }
)

_KINDS = (
    ("村委会", "Village"),
    ("村", "Village"),
    ("社区", "Community"),
    ("街道", "Sub-district"),
    ("镇", "Town"),
    ("区", "District"),
)


def stem(name: str) -> str:
    """Return a name without the word for its kind: 翠苑街道 → 翠苑."""
    for ending, _ in _KINDS:
        if name.endswith(ending) and len(name) > len(ending) + 1:
            return name.removesuffix(ending)
    return name


def pinyin(text: str) -> str:
    """Return a name as one capitalised word, with an apostrophe before syllables in a, e, o."""
    word = ""
    for syllable in lazy_pinyin(text, style=Style.NORMAL, v_to_u=True):
        word += ("'" if word and syllable[:1] in "aeo" else "") + syllable
    return word[:1].upper() + word[1:]


def english(name: str) -> str:
    """Return the English name of an area: 翠苑街道 → Cuiyuan Sub-district."""
    kind = next((word for ending, word in _KINDS if name.endswith(ending)), "")
    return f"{pinyin(stem(name))} {kind}".strip()
