"""The secret in a contractor's link: 24 random bytes; only its digest is kept. Pure.

192 bits cannot be guessed, so a plain SHA-256 suffices: there is no dictionary of such tokens.
"""

from __future__ import annotations

import hashlib
import re
import secrets

TOKEN_BYTES = 24
TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


def token_new() -> str:
    """Return a fresh token, 32 characters that fit into an address."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_digest(token: str) -> str:
    """Return what is stored of a token; "" for what cannot be one."""
    if not TOKEN.fullmatch(token):
        return ""
    return hashlib.sha256(token.encode()).hexdigest()
