"""The sockets' addresses."""

from __future__ import annotations

from django.urls import URLPattern, path

from live.consumers import LineConsumer

websocket_urlpatterns: list[URLPattern] = [path("ws/live/", LineConsumer.as_asgi())]
