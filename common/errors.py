"""How the domain refuses: one base class, carried to the user as `{code, message, fields}`."""

from collections.abc import Mapping, Sequence

from django.utils.functional import Promise

Sentence = str | Promise  # a lazy translation is read in the language of whoever is told
Fields = Mapping[str, Sequence[Sentence]]


class DomainError(Exception):
    """A refusal with a machine-readable code, a sentence for people and the fields it is about."""

    def __init__(
        self, code: str, message: Sentence, fields: Fields | None = None, status: int = 400
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields = fields or {}
        self.status = status
