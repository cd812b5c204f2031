"""Two whole languages: nothing untranslated, nothing bare, nothing of the one in the other."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from gettext import GNUTranslations
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.utils.translation.template import templatize

from tests.matrix.test_addresses import (
    ADDRESSES,
    PEOPLE,
    address_of,
    browser_at,
    parts,  # noqa: F401
    table,
)

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
CATALOGUE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
APPS = ("common", "accounts", "grid", "components", "cases", "dispatch", "live", "evaluation",
        "desks", "citymgmt")  # fmt: skip
MARKS = {  # function: where its message, its plural and its context stand
    "_": (0, None), "gettext": (0, None), "gettext_lazy": (0, None), "gettext_noop": (0, None),
    "ngettext": (0, None), "ngettext_lazy": (0, None),
    "pgettext": (1, 0), "pgettext_lazy": (1, 0), "npgettext": (1, 0), "npgettext_lazy": (1, 0),
}  # fmt: skip
CHINESE = re.compile(r"[\u4e00-\u9fff]+")
ENGLISH = re.compile(r"\b[A-Za-z]{3,}\b")  # not in codes such as 4WTR


# ── every message has its translation ─────────────────────────────────────────────────────────


def messages_of(source: str) -> Iterator[str]:
    """Return the keys, as catalogues have them, of the messages that a module marks."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        message, context = MARKS.get(name, (None, None))
        if message is None or len(node.args) <= message:
            continue
        words = [getattr(argument, "value", None) for argument in node.args]
        if isinstance(words[message], str):
            yield words[message] if context is None else f"{words[context]}\4{words[message]}"


def messages_of_template(path: Path) -> Iterator[str]:
    """Return the keys of the messages of a template."""
    code = templatize(path.read_text(encoding="utf-8"), origin=str(path))
    for call in re.finditer(r"\b(\w*gettext\w*|_)\(", code):
        end = call.end()
        while end < len(code):  # the first closing bracket with which it is Python
            end = code.index(")", end) + 1
            try:
                yield from messages_of(code[call.start() : end])
            except SyntaxError:
                continue
            break


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory) -> set[str]:
    """The keys that have a Chinese translation which nobody has doubts about."""
    compiled = tmp_path_factory.mktemp("locale") / "django.mo"
    subprocess.run(["msgfmt", "-o", compiled, CATALOGUE], check=True)
    known: set[str] = set()
    django = Path(__import__("django").__file__).parent
    for path in (compiled, *django.rglob("zh_Hans/LC_MESSAGES/django.mo")):
        with path.open("rb") as file:
            entries = GNUTranslations(file)._catalog
        known |= {key if isinstance(key, str) else key[0] for key, text in entries.items() if text}
    return known


def test_every_message_is_translated(catalogue):
    marked: dict[str, str] = {}
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                for key in messages_of(path.read_text(encoding="utf-8")):
                    marked.setdefault(key, str(path.relative_to(ROOT)))
    for path in TEMPLATES:
        for key in messages_of_template(path):
            marked.setdefault(key, str(path.relative_to(ROOT)))
    assert len(marked) > 1000
    assert {key: place for key, place in marked.items() if key not in catalogue} == {}


def test_no_translation_is_a_guess():
    entries = CATALOGUE.read_text(encoding="utf-8").split("\n\n")
    assert [entry for entry in entries[1:] if re.search(r"^#,.*\bfuzzy\b", entry, re.M)] == []


def test_a_running_limit_is_not_called_a_timepiece():
    """时钟 hangs on a wall; what runs in a case is 计时, and leads to a 时限 (docs/glossary.md)."""
    entries = CATALOGUE.read_text(encoding="utf-8").split("\n\n")
    timepiece = re.compile(r"demo clock|database's clock")
    assert [text for text in entries if "时钟" in text and not timepiece.search(text)] == []


# ── no words outside the marks ────────────────────────────────────────────────────────────────

TAGS = re.compile(
    r"{%-?\s*blocktrans(?:late)?\b.*?{%-?\s*endblocktrans(?:late)?\s*-?%}"
    r"|{%-?\s*block page_class\b.*?{%-?\s*endblock\s*-?%}"
    r"|{%-?\s*comment\b.*?{%-?\s*endcomment\s*-?%}|{%.*?%}|{{.*?}}|{#.*?#}",
    re.DOTALL,
)
SPOKEN = {"title", "placeholder", "aria-label", "alt"}
SILENT = {"script", "style", "kbd", "code"}
# What is written the same in both languages, and an example of a surveyor's line.
SAME = {"中文", "简体中文", "English", "Ctrl", "Alt", "Esc", "GPS", "PDF", "CSV", "Excel", "QR"}
SAME |= {"GeoJSON", "GeoPackage", "Shapefile", "OpenStreetMap", "UTF", "EPSG", "proj", "tmerc"}
SAME |= {"contributors", "zip", "type", "公交站", "公交站亭"}


class Words(HTMLParser):
    """Collects what a reader sees or hears; not what says that it is in another language."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag, attributes):
        self.silent += tag in SILENT
        self.found += [value for name, value in attributes if name in SPOKEN and value]

    def handle_endtag(self, tag):
        self.silent -= tag in SILENT

    def handle_data(self, data):
        if not self.silent and data.strip():
            self.found.append(data.strip())


def words_of(html: str) -> list[str]:
    """Return the texts of a page, one a node."""
    parser = Words()
    parser.feed(html)
    return parser.found


def test_no_template_holds_words_outside_the_marks():
    bare = [
        (str(path.relative_to(ROOT)), text)
        for path in TEMPLATES
        if "admin" not in path.parts
        for text in words_of(TAGS.sub(" ", path.read_text(encoding="utf-8")))
        if (set(ENGLISH.findall(text)) | set(CHINESE.findall(text))) - SAME
    ]
    assert bare == []


def test_no_template_separates_a_list_as_one_language_does():
    joined = [path.name for path in TEMPLATES if "|join:" in path.read_text(encoding="utf-8")]
    assert joined == [], "the filter listed knows how"


def test_no_script_holds_words_of_either_language():
    shown = re.compile(
        r"(?:textContent|innerText|title|placeholder|ariaLabel)\s*=\s*[\"'`]\s*[A-Za-z]{3,}"
        r"|[\"'`][^\"'`\n]*[\u4e00-\u9fff]"
    )
    scripts = sorted((ROOT / "static/js").rglob("*.js"))
    found = [
        (path.name, line.strip())
        for path in scripts
        for line in path.read_text(encoding="utf-8").splitlines()
        if shown.search(line.partition("// ")[0])
    ]
    assert found == []


# ── nothing of the one language in the other ──────────────────────────────────────────────────


def data_of_the_city() -> str:
    """Return every text that stands in the database: names and what people wrote."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, string_agg(format('%I::text', column_name), ', ')"
            " FROM information_schema.columns WHERE table_schema = 'public'"
            " AND udt_name IN ('varchar', 'text', 'jsonb', '_varchar', '_text') GROUP BY 1"
        )
        texts = []
        for name, columns in cursor.fetchall():
            cursor.execute(f'SELECT concat_ws(chr(10), {columns}) FROM "{name}"')
            texts += [text for (text,) in cursor.fetchall()]
    return "\n".join(texts)


def pages(cast, places, language: str) -> Iterator[tuple[str, str]]:
    """Return every page of the table as the first person who may open it sees it."""
    for pattern, statuses in table(ADDRESSES).items():
        name = next((n for n, s in zip(PEOPLE.values(), statuses, strict=True) if s == 200), "-")
        if name == "-" or pattern.startswith(("api/", "admin/", "-/")):
            continue
        browser = browser_at(cast, name)
        answer = browser.get(address_of(pattern, places), headers={"accept-language": language})
        if answer["Content-Type"].startswith("text/html"):
            yield pattern, answer.text


def foreign(cast, places, language: str, script: re.Pattern[str], known: set[str]) -> list:
    """Return the words of a script on the pages that come neither from the data nor from names."""
    data = data_of_the_city().lower()

    @cache
    def is_foreign(word: str) -> bool:
        return word not in known and word.lower() not in data

    return [
        (pattern, text)
        for pattern, page in pages(cast, places, language)
        for text in words_of(page)
        if any(is_foreign(word) for word in script.findall(text))
    ]


def test_no_page_in_english_holds_chinese_words(cast, parts):  # noqa: F811
    assert foreign(cast, parts, "en", CHINESE, SAME) == []


def test_no_page_in_chinese_holds_english_words(cast, parts):  # noqa: F811
    assert foreign(cast, parts, "zh-hans", ENGLISH, SAME) == []
