"""How an address was understood, in a sentence of the reader's language."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.errors import Sentence
from grid.geocoding.reading import Note, Shift
from grid.geocoding.scoring import Fit
from grid.geocoding.words import DIRECTIONS
from grid.models import Area, Place

FITS = {
    Fit.NAME: _("by its name"),
    Fit.ALIAS: _("by another name it has"),
    Fit.SOUND: _("by its pinyin"),
    Fit.HOMOPHONE: _("by a name that sounds the same"),
    Fit.BEGINS: _("its name begins so"),
    Fit.HOLDS: _("its name contains this"),
    Fit.SOUND_BEGINS: _("its pinyin begins so"),
    Fit.INITIALS: _("by its initials"),
    Fit.ALIKE: _("by a similar name"),
    Fit.SOUNDS_ALIKE: _("by a name that sounds similar"),
}
NOTES = {
    "door": _("house number %(words)s is not in the gazetteer: the road"),
    "part": _("%(words)s is not in the gazetteer: the whole"),
    "gate": _("%(words)s is not in the gazetteer: the place itself"),
    "opposite": _("%(words)s: the place itself"),
    "beside": _("%(words)s: the place itself"),
    "area": _("%(words)s was passed over"),
    "word": _("only %(words)s was used"),
    "road": _("%(words)s is not known or does not cross it"),
    "elsewhere": _("not in %(words)s"),
}
KINDS = {
    **dict(Place.Kind.choices),
    **dict(Area.Level.choices),
    "cell": _("Cell"),
    "point": _("Coordinates"),
}
CROSSING = _("where the two roads meet")
COMPUTED_CROSSING = _("where the two roads meet on the map")
CELL = _("cell code")
POINT = _("coordinates")
SWAPPED_POINT = _("coordinates, latitude first")
_SHIFTED = _("%(metres)d m %(direction)s of it")
_SEPARATOR = pgettext_lazy("between clauses", "; ")


def understood(said: Sentence, notes: Iterable[Note] = (), shift: Shift | None = None) -> str:
    """Return the parts of an understanding as one sentence."""
    parts = [str(said), *(str(NOTES[note.kind] % {"words": note.words}) for note in notes)]
    if shift is not None:
        parts.append(str(_SHIFTED % {"metres": shift.metres, "direction": DIRECTIONS[shift.side]}))
    return str(_SEPARATOR).join(parts)
