"""Cells of a beat, chosen on the map with the mouse and the keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from grid.models import Beat, GridCell

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_administrator_chooses_the_cells_of_a_beat_on_the_map(person, city_cast) -> None:
    cell = city_cast.component.cell
    beat = Beat.objects.filter(cells=cell).first()
    before = set(beat.cells.values_list("code", flat=True))
    whole = set(GridCell.objects.filter(community=cell.community).values_list("code", flat=True))
    errors: list[str] = []
    page = person("administrator_bai", locale="en").go(f"/admin/grid/beat/{beat.pk}/change/")
    page.on("pageerror", lambda error: errors.append(str(error)))
    said = page.locator("[data-said]")
    area = page.locator("[data-map-here]")
    expect(said).to_contain_text(f"{len(before)} cells")
    area.focus()
    page.keyboard.press("Enter")  # the cell in the middle is taken out, and in again
    expect(said).to_contain_text(f"{len(before) - 1} cells")
    page.get_by_role("button", name="Step back").click()
    expect(said).to_contain_text(f"{len(before)} cells")
    page.get_by_label("remove instead of add").check()
    page.get_by_label("Box").check()
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    page.mouse.move(box["x"] + 3, box["y"] + 3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 60, box["y"] + box["height"] - 30, steps=4)
    page.mouse.up()
    expect(said).to_contain_text("0 cells")
    page.get_by_label("remove instead of add").uncheck()
    page.get_by_label("Community").check()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(said).to_contain_text(f"{len(whole)} cells")
    if len(whole) > len(before):
        expect(page.locator("[data-warnings]")).to_contain_text("Shares cells with")
    page.locator("[name=_save]").click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    assert set(beat.cells.values_list("code", flat=True)) == whole
    assert errors == []
