"""The scenes of a wall. An app with more to show registers its scene here in its ``ready()``.

A scene has figures of its own or uses those everybody has. Its ES module exports
``drawScene(stage)``, called whenever the scene or its figures change; it draws into the middle of
the screen. The columns at both sides stay. Patrols and sensors will have theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from desks.wall.scope import Scope

Figures = Callable[[Scope, datetime], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture of the round: its tab, its order, whose figures it draws.

    ``by_district``: shows one district after another, or the one it was told to.
    ``module``: static path of the script that draws it; "" for the map of open cases.
    ``figures``: at most one query; what it returns stands in the snapshot under the scene's key.
    """

    key: str
    label: str | Promise
    order: int = 100
    by_district: bool = False
    module: str = ""
    figures: Figures | None = None


SCENES: dict[str, Scene] = {}


def register_scene(scene: Scene) -> None:
    """Let a scene take its turn on every wall."""
    SCENES[scene.key] = scene


def scenes_in_order() -> list[Scene]:
    """Return the scenes in the order of their tabs."""
    return sorted(SCENES.values(), key=lambda scene: (scene.order, scene.key))


register_scene(Scene("overview", pgettext_lazy("scene", "Overview"), order=10))
register_scene(
    Scene(
        "evaluation",
        pgettext_lazy("scene", "Evaluation"),
        order=30,
        module="js/wall/scene_evaluation.js",
    )
)
register_scene(Scene("district", pgettext_lazy("scene", "District"), order=20, by_district=True))
