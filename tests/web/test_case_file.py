"""The case's history is checked on its page, and its file is a PDF with what the reader may see."""

from __future__ import annotations

import pytest

from cases.casefile.document import file_data
from cases.models import Case, CasePerson
from cases.workflow import State
from common.templatetags.ui import named
from tests.cast import NOW, Story


@pytest.fixture
def story(cast) -> Story:
    return Story(cast, source="hotline").walk_to(State.CLOSED)


def test_the_page_says_whether_the_chain_holds(story, page_of):
    address = f"/cases/{story.case.number}/verdict/"
    client = page_of("supervisor_zhao")
    assert "The history holds" in client.get(address).text
    Case.objects.filter(pk=story.case.pk).update(history_head="0" * 64)  # by another way
    page = client.get(address).text
    assert "The history does not hold" in page
    assert page_of("clerk_hua").get(address).status_code == 404


def test_the_file_is_a_pdf_with_every_step(cast, story, page_of):
    answer = page_of("supervisor_zhao").get(f"/cases/{story.case.number}/file/")
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    assert len(answer.content) > 10_000
    told = file_data(story.case, cast.supervisor_zhao, NOW)
    assert len(told["events"]) == story.case.history_length
    assert told["verdict"]["holds"]
    assert [stage[1] != "" for stage in told["stages"]] == [True] * 7
    assert page_of("clerk_hua").get(f"/cases/{story.case.number}/file/").status_code == 404


def test_who_called_is_printed_for_those_only_who_may_see_it(cast, story):
    CasePerson.objects.create(case=story.case, name="张三", phone="13900000000")
    story.case.refresh_from_db()
    seen = str(file_data(story.case, cast.supervisor_zhao, NOW))
    hidden = str(file_data(story.case, cast.clerk_sun, NOW))
    assert "13900000000" in seen
    assert "13900000000" not in hidden
    assert named(story.case.type) in hidden
