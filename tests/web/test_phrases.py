"""Common phrases: one's own and the team's, offered where they fit, kept and dropped by oneself."""

from __future__ import annotations

import re

from cases.models import Phrase
from tests.cast import Story


def offered(page) -> list[str]:
    return re.findall(r"data-phrase>(.*?)</button>", page.text)


def test_a_person_is_offered_their_own_phrases_and_their_teams(cast, page_of):
    city = cast.city
    Phrase.objects.filter(city=city).delete()
    for text, kept in (
        ("甲", {"owner": cast.acceptor_wang}),
        ("乙", {"role": "acceptor", "action": "refuse"}),
        ("丙", {"organisation": cast.bodies["hangzhou"]}),
        ("丁", {"owner": cast.acceptor_wu}),
        ("戊", {"role": "collector"}),
        ("己", {"organisation": cast.bodies["water"]}),
        ("庚", {"role": "acceptor", "action": "merge"}),
        ("辛", {"is_active": False}),
    ):
        Phrase.objects.create(city=city, text=text, **kept)
    client = page_of("acceptor_wang")
    assert offered(client.get("/phrases/?action=refuse")) == ["甲", "乙", "丙"]
    assert offered(client.get("/phrases/")) == ["甲", "丙"]


def test_what_was_written_is_kept_once_and_dropped_by_its_owner_alone(cast, page_of):
    wang, wu = page_of("acceptor_wang"), page_of("acceptor_wu")
    for _twice in range(2):
        page = wang.post("/phrases/", {"text": "  请补充照片  ", "action": "refuse"})
    assert offered(page)[0] == "请补充照片"
    phrase = Phrase.objects.get(owner=cast.acceptor_wang)
    assert (phrase.text, phrase.action) == ("请补充照片", "refuse")
    wu.post(f"/phrases/{phrase.pk}/drop/")
    assert Phrase.objects.filter(pk=phrase.pk).exists()
    wang.post(f"/phrases/{phrase.pk}/drop/")
    assert not Phrase.objects.filter(pk=phrase.pk).exists()


def test_nothing_and_too_much_are_refused_with_a_sentence(cast, page_of):
    client = page_of("acceptor_wang")
    for text, sentence in (("   ", "Write something first"), ("长" * 501, "at most 500")):
        page = client.post("/phrases/", {"text": text})
        assert (page.status_code, sentence in page.text) == (400, True)
    assert not Phrase.objects.filter(owner=cast.acceptor_wang).exists()


def test_every_note_of_an_action_offers_phrases(cast, page_of):
    number = Story(cast).case.number
    page = page_of("acceptor_wang").get(f"/cases/{number}/actions/refuse/").text
    assert 'data-phrases="id_reply"' in page
    assert "/phrases/?action=refuse" in page
