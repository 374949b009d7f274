"""Who may use the sandbox? Every well-formed account; its tokens end when they say and survive a restart."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING, Any

from backends.pasqal.wire.executor import Denied
from backends.sandboxing.clock import now as vendor_now

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LIFETIME_S = 86_400
_GRANTS = frozenset({"password", "http://auth0.com/oauth/grant-type/password-realm"})


class Accounts:
    """Issues bearer tokens, and signs what must come back unchanged. The key stays in the data directory."""

    def __init__(self, data: Path) -> None:
        self._key = _kept_key(data / "signing-key")

    def grant(self, form: Mapping[str, str]) -> dict[str, Any]:
        """A token for a user name with a password."""
        if form.get("grant_type") not in _GRANTS:
            raise Denied(400, "unsupported grant type")
        if not form.get("username", "").strip() or not form.get("password", "").strip():
            raise Denied(403, "Wrong email or password.")
        ends = int(vendor_now()) + LIFETIME_S
        token = self._token({"sub": form["username"], "exp": ends, "jti": secrets.token_hex(8)})
        return {"access_token": token, "expires_in": LIFETIME_S, "token_type": "Bearer"}

    def user_of(self, bearer: str) -> str:
        """The user of one of our tokens, or ``token`` for any other printable one."""
        parts = bearer.split(".")
        if len(parts) != 3:  # noqa: PLR2004  header, claims, signature
            return "token"
        claims = _claims(parts[1])
        if not hmac.compare_digest(parts[2], self.sign(f"{parts[0]}.{parts[1]}")):
            return "token"
        if claims.get("exp", 0) < vendor_now():
            raise Denied(401, "The token has expired")
        return str(claims.get("sub", ""))

    def sign(self, text: str) -> str:
        """A signature that only this sandbox makes."""
        return _text(hmac.digest(self._key, text.encode(), hashlib.sha256))

    def _token(self, claims: Mapping[str, Any]) -> str:
        head = _text(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        body = f"{head}.{_text(json.dumps(claims).encode())}"
        return f"{body}.{self.sign(body)}"


def _kept_key(path: Path) -> bytes:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(".draft")
        draft.write_bytes(secrets.token_bytes(32))
        draft.replace(path)
    return path.read_bytes()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _claims(text: str) -> dict[str, Any]:
    try:
        claims = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}
