"""How do our requests reach AWS? boto3 clients per region: creates are sent once, looks may be repeated."""

from __future__ import annotations

import logging
import math
import threading
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from backends import storable
from backends.braket.answers import creation_error
from backends.errors import OutcomeUnknown
from backends.exchange import within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backends.braket.settings import Settings

_CONNECT_S = 5.0
# Of the create that this thread sends; each has a thread of its own.
_LATE: ContextVar[float] = ContextVar("deadline", default=math.inf)


class Transport:
    """Clients are made on first use and kept; boto3 clients are thread-safe, sessions are not.

    ``timeout_s`` bounds a look; a create brings the time that it has.
    """

    def __init__(self, settings: Settings, *, timeout_s: float) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._session: Any = None
        self._clients: dict[tuple[str, str, bool], Any] = {}

    def braket(self, region: str) -> Any:  # noqa: ANN401  a generated boto3 client
        """For everything but creates: botocore may repeat these."""
        return self._client("braket", region, once=False)

    def objects(self, region: str) -> Any:  # noqa: ANN401  a generated boto3 client
        """The S3 client of a region."""
        return self._client("s3", region, once=False)

    def create(self, region: str, request: Mapping[str, Any], *, seconds: float) -> str:
        """Send one ``CreateQuantumTask``; its ARN, within ``seconds`` however slowly bytes drip. Errors are ours."""
        deadline = time.monotonic() + seconds
        try:
            client = self._client("braket", region, once=True)
            answer = within(seconds, lambda: _sent(client, request, deadline), name="braket-create")
        except TimeoutError:
            raise OutcomeUnknown(f"braket's create did not end within {seconds:g} s") from None
        except Exception as error:
            raise creation_error(error, spending_error=self._settings.spending_error) from error
        arn = answer.get("quantumTaskArn")
        if storable.remote_id(arn) is None or ":quantum-task/" not in arn:
            raise OutcomeUnknown("braket's create was accepted without a task ARN")
        return str(arn)

    def _client(self, service: str, region: str, *, once: bool) -> Any:  # noqa: ANN401  a generated boto3 client
        with self._lock:
            key = (service, region, once)
            if key not in self._clients:
                self._clients[key] = self._make(service, region, once=once)
            return self._clients[key]

    def _make(self, service: str, region: str, *, once: bool) -> Any:  # noqa: ANN401  a generated boto3 client
        from botocore.config import Config

        if self._session is None:
            self._session = _session(self._settings)
        read_s = max(min(self._timeout_s - 1.0, 25.0), self._timeout_s / 2)
        config = Config(
            retries={"total_max_attempts": 1 if once else 3, "mode": "standard"},
            connect_timeout=_CONNECT_S,
            read_timeout=read_s,
        )
        client = self._session.client(service, region_name=region, endpoint_url=self._settings.endpoint, config=config)
        if once:
            # After signing. A connection kept from an earlier request may be dead, which looks like a lost create.
            client.meta.events.register("before-send.braket.*", _close_afterwards)
        return client

    def close(self) -> None:
        """Let go of the connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()


def _sent(client: Any, request: Mapping[str, Any], deadline: float) -> Any:  # noqa: ANN401  botocore's
    _LATE.set(deadline)
    return client.create_quantum_task(**request)


def _close_afterwards(request: Any, **_: Any) -> None:  # noqa: ANN401  botocore's own event
    # Signing may have fetched credentials from somewhere slow; nobody waits for this create any more.
    if time.monotonic() >= _LATE.get():
        raise TimeoutError("too late to send")
    request.headers["Connection"] = "close"


def _session(settings: Settings) -> Any:  # noqa: ANN401  a boto3 session
    import boto3

    # At DEBUG botocore writes every header it signs, the session token among them.
    for name in ("botocore", "boto3", "urllib3", "s3transfer"):
        logging.getLogger(name).setLevel(logging.INFO)
    keys = settings.credentials
    if keys.access_key is None or keys.secret_key is None:
        return boto3.Session(profile_name=keys.profile)
    return boto3.Session(
        aws_access_key_id=keys.access_key.reveal(),
        aws_secret_access_key=keys.secret_key.reveal(),
        aws_session_token=keys.session_token.reveal() if keys.session_token else None,
    )
