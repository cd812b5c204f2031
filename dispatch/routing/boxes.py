"""Sets of cases as boxes, and what is left of one when others are taken away. Pure.

A box is a product of sets, one a dimension: the cases of these types, from these sources, in these
areas, …. Taking one box from another leaves at most one box a dimension, so that "can this rule
ever be reached?" has an exact answer: it cannot when nothing is left of its box once every box
before it was taken away.

    {a, b} × {1, 2}  without  {b} × {2}   =   {a} × {1, 2}   and   {b} × {1}
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

Box = tuple[frozenset[Hashable], ...]
MOST_PIECES = 4000


class TooManyPieces(Exception):
    """The question cannot be answered within reason."""


def is_empty(box: Box) -> bool:
    """Tell whether a box holds nothing."""
    return any(not side for side in box)


def meet(one: Box, other: Box) -> Box:
    """Return what two boxes share; it may be empty."""
    return tuple(a & b for a, b in zip(one, other, strict=True))


def contains(outer: Box, inner: Box) -> bool:
    """Tell whether everything of ``inner`` lies in ``outer``."""
    return is_empty(inner) or all(b <= a for a, b in zip(outer, inner, strict=True))


def without(box: Box, taken: Box) -> Iterator[Box]:
    """Yield boxes that do not overlap and together are ``box`` without ``taken``."""
    if is_empty(meet(box, taken)):
        if not is_empty(box):
            yield box
        return
    rest = list(box)
    for place, side in enumerate(box):
        outside = side - taken[place]
        if outside:
            yield (*rest[:place], outside, *rest[place + 1 :])
        rest[place] = side & taken[place]


def remainder(boxes: Iterable[Box], taken: Iterable[Box], most: int = MOST_PIECES) -> list[Box]:
    """Return what is left of some boxes when others are taken away, one after the other.

    Raises TooManyPieces beyond ``most`` pieces.
    """
    left = [box for box in boxes if not is_empty(box)]
    for other in taken:
        left = [piece for box in left for piece in without(box, other)]
        if len(left) > most:
            raise TooManyPieces
        if not left:
            break
    return left
