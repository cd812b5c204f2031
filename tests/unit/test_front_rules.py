"""Rules of the pages that a reader would otherwise have to remember."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from cases.presenters import LOOKS
from cases.workflow import ACTIONS, NOTICES, State

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = [*sorted((ROOT / "static/js").rglob("*.js"))]
STYLES = [path for path in sorted((ROOT / "static/css").glob("*.css")) if path.name != "tokens.css"]
ICONS = set((ROOT / "static/img/icons.txt").read_text(encoding="utf-8").split("\n"))


def words(paths):
    return [(path.name, path.read_text(encoding="utf-8")) for path in paths]


def test_every_icon_of_the_pages_is_cut_into_the_sprite():
    used = {look.icon for look in LOOKS.values()}
    for _name, text in words(TEMPLATES):
        used |= set(re.findall(r'\{% icon "([a-z-]+)"', text))
    assert used <= ICONS


def test_no_template_asks_for_a_state():
    asking = re.compile(r"\{% (?:el)?if [^%]*\.state\b")
    assert [name for name, text in words(TEMPLATES) if asking.search(text)] == []


def test_no_script_knows_a_states_name():
    names = re.compile(rf"[\"'`](?:{'|'.join(State)})[\"'`]")
    assert [name for name, text in words(SCRIPTS) if names.search(text)] == []


def test_static_files_take_nothing_else_for_an_export_from_a_module():
    taken = re.compile(r"(?im)(?<!^)export[\s{][^;]*?from\s*[\"'][./]")  # as Django finds them
    assert [name for name, text in words(SCRIPTS) if taken.search(text)] == []


@pytest.mark.parametrize("pattern", [r"<script>", r"\sstyle=", r"\son[a-z]+=", r"javascript:"])
def test_no_template_holds_inline_code(pattern):
    found = re.compile(pattern)
    assert [name for name, text in words(TEMPLATES) if found.search(text)] == []


def test_colours_stand_in_the_tokens_alone():
    colour = re.compile(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)|(?<!-)\brgba?\(")
    assert [name for name, text in words(STYLES) if colour.search(text)] == []


def test_only_known_actions_have_a_look():
    assert set(LOOKS) <= {*ACTIONS, *NOTICES}
