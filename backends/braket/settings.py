"""Where is Braket and who are we there? Read from the environment, once; no credential ever shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backends.environment import Secret, address, secret

if TYPE_CHECKING:
    from collections.abc import Mapping

REGIONS = ("us-east-1", "us-west-1", "us-west-2", "eu-west-2", "eu-north-1")
_PREFIX = "QSUBMIT_BRAKET_"
_SANDBOX_BUCKET = "amazon-braket-qsubmit-{region}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """An access key, or the name of a profile, or neither: then the machine's own role is used."""

    access_key: Secret | None = field(default=None, repr=False)
    secret_key: Secret | None = field(default=None, repr=False)
    session_token: Secret | None = field(default=None, repr=False)
    profile: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """One AWS account. ``endpoint`` None means Amazon's own addresses.

    ``bucket`` names the results bucket of each region (``{region}`` is filled in); Braket accepts only names that
    begin with ``amazon-braket-``. ``home`` is the region in which simulators run. ``spending_error`` is the
    exception by which the service refuses a task that a spending limit forbids: its documents do not name it.
    """

    credentials: Credentials
    bucket: str
    regions: tuple[str, ...] = REGIONS
    home: str = "us-east-1"
    endpoint: str | None = None
    sandbox: bool = False
    prefix: str = "qsubmit"
    spending_error: str = "ServiceQuotaExceededException"


def settings_from(environ: Mapping[str, str]) -> Settings | None:
    """The real vendor where an access key, a profile or the machine's role is configured, else the sandbox, else None.

    Raises:
        ValueError: a setting cannot be used; the message names it and holds no credential.
    """
    credentials = _credentials(environ)
    sandbox = environ.get(_PREFIX + "SANDBOX_URL", "")
    if credentials:
        bucket = environ.get(_PREFIX + "BUCKET", "")
        return _settings(environ, credentials=credentials, bucket=bucket, endpoint=None, sandbox=False)
    if sandbox:
        keys = Credentials(access_key=Secret("AKIASANDBOX"), secret_key=Secret("sandbox"))
        endpoint = address(sandbox, _PREFIX + "SANDBOX_URL")
        return _settings(environ, credentials=keys, bucket=_SANDBOX_BUCKET, endpoint=endpoint, sandbox=True)
    return None


def _settings(
    environ: Mapping[str, str], *, credentials: Credentials, bucket: str, endpoint: str | None, sandbox: bool
) -> Settings:
    if not bucket.startswith("amazon-braket-"):
        raise ValueError(f"{_PREFIX}BUCKET must name an S3 bucket that begins with amazon-braket-")
    named = tuple(name.strip() for name in environ.get(_PREFIX + "REGIONS", "").split(",") if name.strip())
    return Settings(
        credentials=credentials,
        bucket=bucket,
        regions=named or REGIONS,
        home=environ.get(_PREFIX + "HOME_REGION") or (named or REGIONS)[0],
        endpoint=endpoint,
        sandbox=sandbox,
        prefix=environ.get(_PREFIX + "PREFIX") or "qsubmit",
        spending_error=environ.get(_PREFIX + "SPENDING_ERROR") or "ServiceQuotaExceededException",
    )


def _credentials(environ: Mapping[str, str]) -> Credentials | None:
    public, private = secret(environ, _PREFIX + "ACCESS_KEY_ID"), secret(environ, _PREFIX + "SECRET_ACCESS_KEY")
    if public and private:
        session_token = secret(environ, _PREFIX + "SESSION_TOKEN")
        return Credentials(access_key=public, secret_key=private, session_token=session_token)
    if public or private:
        raise ValueError(f"{_PREFIX}ACCESS_KEY_ID and {_PREFIX}SECRET_ACCESS_KEY belong together")
    if environ.get(_PREFIX + "PROFILE"):
        return Credentials(profile=environ[_PREFIX + "PROFILE"])
    if environ.get(_PREFIX + "MACHINE_ROLE", "").lower() in ("1", "true", "yes"):
        return Credentials()
    return None
