"""Pages name only files that exist: in production a missing one is a fault of the whole page."""

import re
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command

TEMPLATES = Path(settings.BASE_DIR) / "templates"
NAMED = re.compile(r"""{%\s*static\s+["']([^"']+)["']""")
IMPORTED = re.compile(r"""(?:from|import)\s*\(?\s*["'](\.{1,2}/[^"']+)["']""")
MODULES = sorted((Path(settings.BASE_DIR) / "static" / "js").rglob("*.js"))


def test_every_file_that_a_template_names_exists():
    named = {
        (str(page.relative_to(TEMPLATES)), name)
        for page in TEMPLATES.rglob("*.html")
        for name in NAMED.findall(page.read_text(encoding="utf-8"))
    }
    assert named
    assert [pair for pair in sorted(named) if finders.find(pair[1]) is None] == []


def test_every_module_that_a_script_imports_exists():
    missing = [
        (module.name, name)
        for module in MODULES
        for name in IMPORTED.findall(module.read_text(encoding="utf-8"))
        if not (module.parent / name).is_file()
    ]
    assert missing == []


def test_every_file_gets_its_hashed_name(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    backend = {"BACKEND": "common.storage.HashedStaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": backend}
    call_command("collectstatic", interactive=False, verbosity=0)
    for name in ("css/tokens.css", "leaflet/leaflet.js", "vendor/htmx.js"):
        file = tmp_path / name
        assert len(list(file.parent.glob(f"{file.stem}.????????????{file.suffix}"))) == 1
