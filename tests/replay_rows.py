"""Rows of another city's file as tests write them: clean unless a test says otherwise."""

from __future__ import annotations

import csv
from pathlib import Path

CLEAN = {
    "unique_key": "1",
    "created_date": "2019-07-01T09:30:00.000",
    "closed_date": "2019-07-01T15:00:00.000",
    "status": "Closed",
    "complaint_type": "Missed Collection (All Materials)",
    "descriptor": "1 Missed Collection",
    "location_type": "Sidewalk",
    "open_data_channel_type": "PHONE",
    "resolution_description": "The Department of Sanitation cleaned the location.",
    "longitude": "-73.95",
    "latitude": "40.70",
}


def row(**changes: str) -> dict[str, str]:
    """Return a clean row with some columns changed."""
    return {**CLEAN, **changes}


def write_rows(path: Path, rows: list[dict[str, str]]) -> Path:
    """Write a file of requests."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(CLEAN))
        writer.writeheader()
        writer.writerows(rows)
    return path
