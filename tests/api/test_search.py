"""Search across cases: what each way of asking finds, and what nobody finds."""

from __future__ import annotations

import pytest

from cases.models import Case, CaseWords
from cases.search.selectors import case_search
from cases.services import case_report
from cases.services.erase import case_erase_words
from tests.cast import NOW, Cast, Story


@pytest.fixture
def calls(cast: Cast) -> dict[str, str]:
    """Two calls: garbage at one address, a manhole cover at another; numbers by what they are."""
    told = (
        ("garbage", "E0102", "文三路学院路口东北角", "地上一堆烂菜叶", "王敏", "138 0000-1234", 0),
        ("cover", "C0103", "古墩路 88 号", "盖子裂了，车轮压过有响声", "李强", "13900005678", 400),
    )
    numbers = {}
    for name, code, address, description, caller, phone, metres in told:
        lon, lat = cast.near(metres)
        numbers[name] = case_report(
            actor=cast.acceptor_wang,
            source="hotline",
            lon=lon,
            lat=lat,
            now=NOW,
            type_code=code,
            description=description,
            address=address,
            reporter_name=caller,
            reporter_phone=phone,
        ).number
    return numbers


def found(cast: Cast, text: str, by: str = "acceptor_wang") -> list[str]:
    user = cast.people[by]
    rows = Case.objects.visible_to(user).filter(case_search(text=text, user=user, now=NOW))
    return list(rows.order_by("pk").values_list("number", flat=True))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("烂菜叶", "garbage"),  # words of the description
        ("菜叶", "garbage"),  # a fragment
        ("文三路", "garbage"),
        ("文三路 烂菜", "garbage"),  # every term
        ("暴露垃圾", "garbage"),  # the type's name
        ("laji", "garbage"),  # a part of it by its sound
        ("bllj", "garbage"),  # by initials
        ("lajii", "garbage"),  # a slip
        ("E0102", "garbage"),
        ("井盖", "cover"),
        ("jingai", "cover"),  # a g is missing
        ("jinggia", "cover"),  # two letters swapped
        ("古墩路88号", "cover"),
        ("８８ 号", "cover"),  # full width
        ("13800001234", "garbage"),  # however it was written down
        ("138-0000-1234", "garbage"),
        ("5678", "cover"),  # its last digits
        ("王敏", "garbage"),
    ],
)
def test_a_case_is_found_by(cast, calls, text, name):
    assert found(cast, text) == [calls[name]]


def test_a_number_is_found_whole_by_its_beginning_and_by_its_place_in_the_day(cast, calls):
    both = sorted(calls.values())
    assert found(cast, both[0]) == [both[0]]
    assert found(cast, both[0][:8]) == both
    assert found(cast, str(int(both[1][8:]))) == [both[1]]


@pytest.mark.parametrize(
    "text", ["不存在的路", "文三路 井盖", "zzzzzz", "%", "_", "'; drop table", ""]
)
def test_nothing_is_found_where_nothing_fits(cast, calls, text):
    assert found(cast, text) == []


def test_callers_are_found_only_by_those_who_may_see_them(cast, calls):
    for text in ("13800001234", "1234", "王敏"):
        assert found(cast, text, by="acceptor_wu") == [calls["garbage"]]
        assert found(cast, text, by="inspector_he") == []
    assert found(cast, "烂菜叶", by="inspector_he") == [calls["garbage"]]


def test_search_keeps_to_what_a_person_may_see(cast, calls):
    story = Story(cast).walk_to("handling")  # garbage at the sanitation department's
    assert story.case.number in found(cast, "暴露垃圾", by="clerk_sun")
    assert calls["garbage"] not in found(cast, "暴露垃圾", by="clerk_sun")
    assert found(cast, "暴露垃圾", by="clerk_hua") == []


def test_erased_words_are_found_no_more(cast, calls):
    case = Case.objects.get(number=calls["garbage"])
    case_erase_words(case=case, now=NOW)
    for text in ("烂菜叶", "文三路", "王敏", "13800001234", "1234"):
        assert found(cast, text) == []
    assert found(cast, "暴露垃圾") == [calls["garbage"]]  # the type is nobody's secret
    assert "菜" not in CaseWords.objects.get(case=case).document


def test_a_corrected_address_and_type_are_found_and_the_old_ones_not(cast):
    story = Story(cast)
    story.act("accept", cast.acceptor_wang, type="E0102", address="龙井路 3 号")
    assert found(cast, "龙井路") == [story.case.number]
    story = Story(cast, metres=50)
    story.act("accept", cast.acceptor_wang, type="E0201", address="满觉陇路")
    assert story.case.number not in found(cast, "暴露垃圾")
