"""Which bearer token do we show to Pasqal? One from the password grant, kept until shortly before it ends."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from pasqal_cloud.authentication import TokenProvider
from pasqal_cloud.endpoints import TokenProviderConf

from backends.environment import Secret
from backends.errors import Busy
from backends.exchange import Reply, Unanswered, Unsent
from backends.pasqal import deadline
from backends.pasqal.answers import login_error
from backends.transport import Letter, ask

if TYPE_CHECKING:
    from pasqal_cloud.endpoints import Region

    from backends.pasqal.settings import Settings

_MARGIN_S = 60.0
_FRESH_S = 60.0
_OK = 200


class Login(TokenProvider):
    """The account's token; none is asked for before it is needed. Seconds bound a login, and other exchanges."""

    def __init__(self, settings: Settings, *, login_s: float, exchange_s: float) -> None:
        self.exchange_s = exchange_s
        self._login_s = login_s
        self._settings = settings
        self._turn = threading.Lock()
        self._token: Secret | None = None
        self._born = 0.0
        self._ends = 0.0

    def __repr__(self) -> str:
        return f"Login({self._settings.username!r})"

    def get_token(self) -> str:
        """The present token, or a new one.

        Raises:
            Unauthorized: the account or its password is refused.
            Busy: the login server cannot be reached; nothing else was sent.
        """
        with self._turn:
            if self._token is None or time.monotonic() >= self._ends:
                self._renew()
            if self._token is None:
                raise Busy("pasqal's login gave no token")
            return self._token.reveal()

    def forget_stale(self) -> bool:
        """After a 401: drop the token unless it is new; True when another try with a new one makes sense."""
        with self._turn:
            stale = time.monotonic() - self._born > _FRESH_S
            self._token = None
            return stale

    def _renew(self) -> None:
        asked = time.monotonic()
        reply = self._ask()
        granted = reply.document or {}
        token, lifetime = granted.get("access_token"), granted.get("expires_in", 0)
        if reply.status != _OK or not isinstance(token, str) or not token.isprintable():
            raise login_error(reply)
        seconds = float(lifetime) if isinstance(lifetime, (int, float)) else 0.0
        self._token = Secret(token)
        self._born = asked
        self._ends = asked + seconds - min(_MARGIN_S, seconds / 2)

    def _ask(self) -> Reply:
        try:
            return ask(self._letter(), seconds=deadline.seconds(self._login_s))
        except (Unsent, Unanswered) as trouble:
            raise Busy(f"pasqal's login is out of reach: {trouble}") from None

    def _letter(self) -> Letter:
        region: Region = "sa" if self._settings.region == "sa" else "fr"
        conf = TokenProviderConf.from_region(region)
        form = {
            "client_id": conf.public_client_id,
            "grant_type": conf.grant_type,
            "realm": conf.realm,
            "audience": conf.audience,
            "username": self._settings.username,
            "password": self._settings.password.reveal(),
        }
        return Letter(
            method="POST",
            url=self._settings.token_url or conf.token_endpoint,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form).encode(),
        )
