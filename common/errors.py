"""How the domain refuses: one base class, carried to the user as `{code, message, fields}`."""

from collections.abc import Mapping, Sequence

from django.db import InterfaceError, OperationalError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

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


LOCK_NOT_AVAILABLE = "55P03"
DEADLOCK_DETECTED = "40P01"
# No connection: refused or cut (no code reaches us), shutting down, starting, full.
DATABASE_AWAY = {None, "08001", "08003", "08004", "08006", "57P01", "57P02", "57P03", "53300"}
RETRY_AFTER_SECONDS = 5


def refusal_of(error: BaseException | None) -> DomainError | None:
    """Return the refusal that an exception stands for, None for a fault.

    Waiting too long for a row that somebody else is changing is a refusal: try again.
    """
    if isinstance(error, DomainError):
        return error
    if isinstance(error, OperationalError) and _sqlstate(error) in {
        LOCK_NOT_AVAILABLE,
        DEADLOCK_DETECTED,
    }:
        message = _("Somebody is working on this right now. Please try again in a moment.")
        return DomainError("busy", message, status=409)
    return None


def answer_of(error: BaseException | None) -> DomainError | None:
    """Return what whoever asked is answered; None for a fault.

    A database that is away is no fault of the request, and it comes back. Jobs do not ask here:
    for them it is a failure like any other.
    """
    if isinstance(error, OperationalError | InterfaceError) and _sqlstate(error) in DATABASE_AWAY:
        message = _("The database cannot be reached right now. Please try again in a moment.")
        return DomainError("unavailable", message, status=503)
    return refusal_of(error)


def _sqlstate(error: OperationalError | InterfaceError) -> str | None:
    return getattr(error.__cause__, "pgcode", None)
