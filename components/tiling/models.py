"""Counts of the register by pixel, and what has changed since they were summed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

ALL_TYPES = 0  # of a class, in ``ComponentCount.type_id``


class ComponentCount(models.Model):
    """How many components in use lie in a pixel of a tile, by class or type, and by state.

    A tile has 64 × 64 pixels. There is a row per class and state (``type_id`` 0) up to zoom 14 and
    one per type and state up to zoom 13. ``state`` is the first letter of the component's.
    """

    pk = models.CompositePrimaryKey(
        "zoom", "tile_x", "tile_y", "type_id", "pixel", "class_id", "state"
    )
    zoom = models.SmallIntegerField()
    tile_x = models.IntegerField()
    tile_y = models.IntegerField()
    type_id = models.IntegerField()
    class_id = models.IntegerField()
    state = models.CharField(max_length=1)
    pixel = models.SmallIntegerField()
    count = models.IntegerField()

    class Meta:
        verbose_name = verbose_name_plural = "component counts"


class ComponentDelta(models.Model):
    """A change of the counts that has not been summed into them yet; written by triggers only.

    Writers append and never wait for each other; readers add what they find here.
    """

    pixel_x = models.IntegerField()
    pixel_y = models.IntegerField()
    type_id = models.IntegerField()
    class_id = models.IntegerField()
    state = models.CharField(max_length=1)
    count = models.IntegerField()

    class Meta:
        verbose_name = verbose_name_plural = "changes of component counts"
        indexes: ClassVar = [
            models.Index(fields=["pixel_x", "pixel_y"], name="component_delta_pixel"),
        ]
