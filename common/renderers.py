"""Quick JSON for the API. Apart from `common.api`, which needs DRF's views, which need this."""

from typing import Any

import orjson
from rest_framework.renderers import JSONRenderer as BaseJSONRenderer


class JSONRenderer(BaseJSONRenderer):
    """JSON by orjson; lazy translations and decimals become strings."""

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return b"" if data is None else orjson.dumps(data, default=str)
