"""How does the vendor's own client speak without ever repeating a create? Through one exchange per call."""

from __future__ import annotations

import gzip
import json
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from pasqal_cloud.authentication import HTTPBearerAuthenticator
from pasqal_cloud.endpoints import Endpoints
from pasqal_cloud.http_client import HTTPClient
from pasqal_cloud.pasqal_cloud_client import PasqalCloudClient

from backends.errors import Busy, OutcomeUnknown, Unauthorized
from backends.exchange import SHORTEST_PATIENCE_S, Reply, Unanswered, Unsent, patience
from backends.pasqal import deadline
from backends.pasqal.answers import creation_error, reading_error
from backends.pasqal.login import Login
from backends.transport import Letter, ask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pasqal_cloud.endpoints import Region
    from pasqal_cloud.utils.jsend import JobResult, JSendPayload

    from backends.pasqal.settings import Settings

_CREATED_OR_OK = (200, 201, 202)
_UNAUTHORIZED = 401


def connect(settings: Settings, *, seconds: float) -> PasqalCloudClient:
    """The SDK's client over our transport; nothing is sent yet. ``seconds`` bounds login and exchange together."""
    region: Region = "sa" if settings.region == "sa" else "fr"
    usual = Endpoints.from_region(region)
    return PasqalCloudClient(
        token_provider=Login(settings, login_s=seconds / 4, exchange_s=seconds * 3 / 4),
        endpoints=Endpoints(core=settings.core_url or usual.core, account=settings.account_url or usual.account),
        project_id=settings.project,
        client_class=OnceClient,
    )


class OnceClient(HTTPClient):
    """The SDK's HTTP client with its repetitions taken out.

    Errors of backends/errors.py come out of it directly: the SDK's own would need a JSON body to be built at all.
    """

    @property
    def login(self) -> Login:
        """The token provider that ``connect`` gave."""
        bearer = self.authenticator
        if isinstance(bearer, HTTPBearerAuthenticator) and isinstance(bearer.token_provider, Login):
            return bearer.token_provider
        raise Unauthorized("pasqal needs a login")

    def _authenticated_request(
        self,
        method: str,
        url: str,
        payload: Mapping[str, Any] | Sequence[Mapping[str, Any]] | Sequence[str] | None = None,
        params: Mapping[str, Any] | None = None,
        gziped: bool = False,  # noqa: FBT001, FBT002  the SDK's signature
    ) -> JSendPayload:
        """One exchange; a second one only where the first was refused for an old token and no create."""
        letter = partial(self._letter, method, url, content=payload, params=params, gziped=gziped)
        reply = self._once(letter())
        if reply.status == _UNAUTHORIZED and self.login.forget_stale():
            if method == "POST":
                # A 401 is an answer to the header: the create was not read. The caller comes again.
                raise Busy("pasqal's token had ended", retry_after=SHORTEST_PATIENCE_S)
            reply = self._once(letter())
        document = reply.document
        if reply.status in _CREATED_OR_OK and document is not None and "data" in document:
            return cast("JSendPayload", document)
        raise creation_error(reply) if method == "POST" else reading_error(reply)

    def _once(self, letter: Letter) -> Reply:
        try:
            return ask(letter, seconds=deadline.seconds(self.login.exchange_s))
        except Unsent as trouble:
            raise Busy(str(trouble)) from None
        except Unanswered as trouble:
            doubt = OutcomeUnknown if letter.method == "POST" else Busy
            raise doubt(str(trouble)) from None

    def _letter(
        self, method: str, url: str, *, content: object, params: Mapping[str, Any] | None, gziped: bool
    ) -> Letter:
        headers = {
            "Authorization": f"Bearer {self.login.get_token()}",
            "Content-Type": "application/json",
            "User-Agent": self.user_agent,
        }
        body = None if content is None else json.dumps(content).encode()
        if body is not None and gziped and self.allow_gzip_request_body:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body)
        return Letter(method=method, url=url, headers=headers, params=params, body=body)

    def _download_results(self, results_link: str) -> JobResult:
        """A job's result from its presigned address, which gets no credential of ours."""
        parts, core = urlsplit(results_link), urlsplit(self.endpoints.core)
        ours = (parts.scheme, parts.netloc) == (core.scheme, core.netloc)
        if not ours and (parts.scheme != "https" or not _is_public_name(parts.hostname or "")):
            raise Busy("pasqal gave a result address that is not https on the Internet")
        letter = Letter(method="GET", url=results_link, headers={"User-Agent": self.user_agent})
        try:
            reply = ask(letter, seconds=self.login.exchange_s)
        except (Unsent, Unanswered) as trouble:
            raise Busy(f"no result yet: {trouble}") from None
        if reply.status not in _CREATED_OR_OK or reply.document is None:
            later = patience(reply.retry_after)
            raise Busy(f"no result yet: the address answered {reply.status}", retry_after=later)
        return cast("JobResult", reply.document)


def _is_public_name(host: str) -> bool:
    """A name with a dot, and no number: an answer must not send us to a machine of our own network by its address."""
    return "." in host and not host.endswith((".local", ".internal", ".localhost")) and host[-1].isalpha()
