"""Write docs/workflow.md from the workflow table; ``--check`` only says whether it differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser
from django.utils.translation import override

from cases.guards import CONDITIONS, PERSONS, POSSIBLE
from cases.workflow import (
    ACTION_LABELS,
    ARROWS,
    FINAL_STATES,
    POST_ROLES,
    STATE_LABELS,
    Arrow,
    ClockOutcome,
    ClockStep,
    Post,
    State,
    Verb,
    arrows_from,
)

PATH = settings.BASE_DIR / "docs" / "workflow.md"

HEAD = """# The workflow

Written by `manage.py workflow_docs` from the table in `cases/workflow.py`: change the table, then
run it. How the door reads the table stands in [the door](rules/door.md), what the clocks measure in
[clocks](rules/clocks.md).

A state names what the case waits for. ▶ starts a clock, ■ stops it (with its outcome), ‖ pauses it,
▷ lets it run on.
"""
SIGNS = {Verb.START: "▶", Verb.STOP: "■", Verb.PAUSE: "‖", Verb.RESUME: "▷", Verb.STOP_ALL: "■"}
POSTS = {
    Post.COL: "the collector who has the open field task",
    Post.ACC: "an acceptor",
    Post.SUP: "a shift supervisor",
    Post.DSP: "a dispatcher of the desk that holds the case",
    Post.DEP: "clerk or head of the lead department, or of a body below it",
    Post.COO: "the same, or a squad, with an open co-operating order",
    Post.PXY: "the proxy squad that leads",
    Post.LDR: "a leader of the centre",
    Post.SYS: "the system",
}


class Command(BaseCommand):
    help = "Write docs/workflow.md from the workflow table."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail if it differs"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        page = workflow_page()
        if not options["check"]:
            PATH.write_text(page, encoding="utf-8")
        elif not PATH.exists() or PATH.read_text(encoding="utf-8") != page:
            raise CommandError("docs/workflow.md is not what the table says: run workflow_docs")


def workflow_page() -> str:
    """Return the page, in English."""
    with override("en"):
        parts = [HEAD, _diagram(), _posts(), *_states(), _named("Conditions", CONDITIONS)]
        parts += [_named("Answered 409 not_possible", POSSIBLE)]
        parts += [_named("Answered 403 same_person", PERSONS)]
        return "\n".join(parts)


def _diagram() -> str:
    def ends(arrow: Arrow) -> tuple[str, str]:
        return arrow.source or "[*]", arrow.target or ""

    moves = sorted((arrow for arrow in ARROWS if arrow.leaves), key=ends)
    lines = ["```mermaid", "stateDiagram-v2"]
    for (source, target), arrows in groupby(moves, key=ends):
        actions = dict.fromkeys(arrow.action for arrow in arrows)
        lines.append(f"    {source} --> {target}: {', '.join(actions)}")
    lines += [f"    {state} --> [*]" for state in State if state in FINAL_STATES]
    return "\n".join([*lines, "```", ""])


def _posts() -> str:
    rows = (
        (post, text, ", ".join(sorted(POST_ROLES[post])) or "–") for post, text in POSTS.items()
    )
    return "\n".join(["## Posts", "", *_table(("post", "who", "roles"), rows), ""])


def _states() -> Iterator[str]:
    yield "\n".join(["## Beginning", "", *_arrows(a for a in ARROWS if a.source is None), ""])
    for state in State:
        title = f"## {state}: {STATE_LABELS[state]}"
        yield "\n".join([title, "", *_arrows(arrows_from(state)), ""])


def _arrows(arrows: Iterable[Arrow]) -> list[str]:
    names = ("action", "", "to", "who", "requires", "optional", "only if", "clocks")
    return _table(names, (_row(arrow) for arrow in arrows))


def _row(arrow: Arrow) -> tuple[str, ...]:
    only_if = (*([arrow.when] if arrow.when else []), *arrow.possible, *arrow.persons)
    return (
        f"`{arrow.action}`",
        str(ACTION_LABELS[arrow.action]),
        str(arrow.target or "–"),
        " ".join(arrow.posts) or "any source's role",
        ", ".join(arrow.requires),
        ", ".join(name for name in arrow.optional if name not in arrow.requires),
        ", ".join(only_if),
        " ".join(_clock(step) for step in arrow.clocks),
    )


def _clock(step: ClockStep) -> str:
    outcome = "" if step.outcome is ClockOutcome.DONE else f" {step.outcome}"
    return f"{SIGNS[step.verb]}{step.kind or 'all'}{outcome}"


def _named(title: str, functions: dict[str, Any]) -> str:
    rows = (
        (f"`{name}`", (function.__doc__ or "").strip().splitlines()[0])
        for name, function in functions.items()
    )
    return "\n".join([f"## {title}", "", *_table(("name", "meaning"), rows), ""])


def _table(names: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]
