"""Words, order and looks of states and actions, so that no client has to know them by heart."""

from __future__ import annotations

from typing import Any

from django.utils.translation import override
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases.intake import SOURCE_ROLES
from cases.workflow import (
    ACTION_LABELS,
    ACTIONS,
    CLOCK_LABELS,
    FINAL_STATES,
    STATE_LABELS,
    ClockKind,
    State,
)

# Colour tokens of static/css/tokens.css. Colour speaks of clocks only; states are neutral.
LIGHT_TOKENS = {"green": "--light-green", "yellow": "--light-amber", "red": "--light-red"}


def _both(label: Any) -> dict[str, str]:
    with override("zh-hans"):
        chinese = str(label)
    with override("en"):
        return {"zh-hans": chinese, "en": str(label)}


class MetaView(APIView):
    """States, actions, clocks, sources and lights."""

    @extend_schema(operation_id="meta", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Return the vocabulary of the workflow in both languages, in its order."""
        return Response(
            {
                "states": [
                    {
                        "state": state.value,
                        "label": _both(STATE_LABELS[state.value]),
                        "order": order,
                        "is_final": state in FINAL_STATES,
                        "token": "--surface-sunken",
                    }
                    for order, state in enumerate(State)
                ],
                "actions": [
                    {"action": action, "label": _both(ACTION_LABELS[action]), "order": order}
                    for order, action in enumerate(ACTIONS)
                ],
                "clocks": [
                    {"kind": kind.value, "label": _both(CLOCK_LABELS[kind]), "order": order}
                    for order, kind in enumerate(ClockKind)
                ],
                "sources": [
                    {"source": source.value, "label": _both(source.label)}
                    for source in SOURCE_ROLES
                ],
                "lights": [
                    {"light": light, "token": token} for light, token in LIGHT_TOKENS.items()
                ],
            }
        )
