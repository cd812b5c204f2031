"""A base map of somebody else, by setting: where its tiles come from and how they are drawn.

Any server of pictures in the web Mercator scheme will do, XYZ or WMTS: an address with ``{z}``,
``{x}`` and ``{y}`` in it, ``{s}`` for one of the subdomains. What is drawn in GCJ-02, as map
services in China are, is moved back under our WGS-84 by the browser (static/js/map/outside.js).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

DATUMS = ("wgs84", "gcj02")
PLACES = ("{z}", "{x}", "{y}")


@dataclass(frozen=True, slots=True)
class OutsideMap:
    """Pictures of the ground and, where they come apart, of the names on it."""

    url: str
    labels: str = ""
    datum: str = "wgs84"
    subdomains: str = ""
    max_zoom: int = 18
    attribution: str = ""

    def __post_init__(self) -> None:
        """Raise ImproperlyConfigured, with a sentence, for what no map can be drawn from."""
        if self.datum not in DATUMS:
            said = f"BASE_MAP_DATUM is {self.datum!r}; it may be {' or '.join(DATUMS)}."
            raise ImproperlyConfigured(said)
        for address in self._addresses():
            parts = urlsplit(address)
            if parts.scheme not in {"http", "https"} or not parts.netloc:
                raise ImproperlyConfigured(f"{address!r} is no address of map tiles.")
            missing = [place for place in PLACES if place not in address]
            if missing:
                said = f"The address of map tiles {address!r} lacks {', '.join(missing)}."
                raise ImproperlyConfigured(said)
            if "{s}" in address and not self.subdomains:
                said = f"{address!r} has {{s}}: name the letters or digits in BASE_MAP_SUBDOMAINS."
                raise ImproperlyConfigured(said)

    def _addresses(self) -> list[str]:
        return [address for address in (self.url, self.labels) if address]

    @property
    def origins(self) -> list[str]:
        """The origins that pictures come from, as the Content-Security-Policy names them."""
        found = []
        for parts in map(urlsplit, self._addresses()):
            hosts = [parts.netloc.replace("{s}", letter) for letter in self.subdomains or "-"]
            found += [f"{parts.scheme}://{host}" for host in hosts]
        return list(dict.fromkeys(found))

    def as_json(self) -> str:
        """Return what the browser needs to draw it."""
        return json.dumps(asdict(self), ensure_ascii=False)
