"""What does an exception of boto3 ask us to do? Service errors and broken connections to backends/errors.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backends.errors import BackendError, Busy, OutcomeUnknown, Refused, Unauthorized, UnknownJob
from backends.exchange import PATIENCE_S, patience

if TYPE_CHECKING:
    from collections.abc import Mapping

_QUOTA_PATIENCE_S = 60.0
_OFFLINE_PATIENCE_S = 300.0
_THROTTLES = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"})
_UNAVAILABLE = frozenset({"ServiceUnavailableException", "ServiceUnavailable", "SlowDown"})
# The services' own words for what is gone for good. A missing bucket is none of them: it may be a setting of ours.
_UNKNOWN_TASK = frozenset({"ResourceNotFoundException", "NoSuchKey"})
_NOT_FOUND = 404
_MISSING = _UNKNOWN_TASK | {"NoSuchBucket", "NotFound"}
_RETIRED = "DeviceRetiredException"
_OFFLINE = "DeviceOfflineException"
_QUOTA = "ServiceQuotaExceededException"
_CONFLICT = "ConflictException"
_SERVER, _CLIENT = 500, 400
_DENIED = frozenset({401, 403})
# Raised before the first byte of a request leaves us.
_UNSENT = frozenset({"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError"})
_DISTRUST = frozenset({"SSLCertVerificationError", "CertificateError"})
_CREDENTIALS = frozenset(
    {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound", "NoAuthTokenError"}
)


def creation_error(error: Exception, *, spending_error: str) -> BackendError:
    """What a failed create means. Certain only of an answer in the service's own form, or of nothing having left."""
    name = type(error).__name__
    if name in _UNSENT or _is_distrust(error):
        return Busy("braket cannot be reached", retry_after=PATIENCE_S)
    if name in _CREDENTIALS:
        return Unauthorized(f"braket has no usable credentials ({name})")
    if name == "ParamValidationError":
        return Refused(f"braket's client refuses the request: {error}", code="program_invalid")
    answer = _answer(error)
    if answer is None:
        return OutcomeUnknown(f"braket's create ended with {name}")
    return _plain(answer, spending_error) or OutcomeUnknown(f"braket's create answered {_describe(answer)}")


def reading_error(error: Exception) -> BackendError:
    """What a failed look means; a look may be taken again."""
    name = type(error).__name__
    if name in _CREDENTIALS:
        return Unauthorized(f"braket has no usable credentials ({name})")
    answer = _answer(error)
    if answer is None:
        return Busy(f"braket could not be read ({name})", retry_after=PATIENCE_S)
    if _code(answer) in _UNKNOWN_TASK and _status(answer) == _NOT_FOUND:
        return UnknownJob(f"braket: {_message(answer)}")
    if _code(answer) in _MISSING:
        return Busy(f"braket answered {_describe(answer)}", retry_after=_retry_after(answer))
    return _plain(answer, "") or Busy(f"braket answered {_describe(answer)}", retry_after=_retry_after(answer))


def is_conflict(error: Exception) -> bool:
    """Whether a cancel came too late."""
    answer = _answer(error)
    return answer is not None and _code(answer) == _CONFLICT


def _is_distrust(error: Exception) -> bool:
    """Whether the server's certificate was refused; any other TLS error may also come after the request."""
    inner = getattr(error, "kwargs", {}).get("error")
    return isinstance(inner, Exception) and any(type(cause).__name__ in _DISTRUST for cause in inner.args)


def _answer(error: Exception) -> Mapping[str, Any] | None:
    """The service's answer inside a ``ClientError``."""
    answer = getattr(error, "response", None)
    return answer if isinstance(answer, dict) and "Error" in answer else None


def _plain(answer: Mapping[str, Any], spending_error: str) -> BackendError | None:
    """The reaction to an answer that names its error; None for 5xx and for what no Braket wrote."""
    code, status = _code(answer), _status(answer)
    if not code or code.isdigit() or code == "Unknown":
        return None
    if code in _THROTTLES:
        return Busy("braket throttles", retry_after=_retry_after(answer))
    if code in _UNAVAILABLE:
        return Busy("braket is unavailable", retry_after=_retry_after(answer))
    if status >= _SERVER or status < _CLIENT:
        return None
    return _refusal(answer, spending_error)


def _refusal(answer: Mapping[str, Any], spending_error: str) -> BackendError | None:
    code, said = _code(answer), _message(answer)
    if code == _OFFLINE:
        return Busy(f"braket: {said}", retry_after=_retry_after(answer, otherwise=_OFFLINE_PATIENCE_S))
    if code == _RETIRED:
        return Refused(f"braket: {said}", code="device_retired")
    if code == spending_error and "spending" in said.lower():
        return Refused(f"braket: {said}", code="no_credit")
    if code == _QUOTA:
        return Busy(f"braket: {said}", retry_after=_retry_after(answer, otherwise=_QUOTA_PATIENCE_S))
    if code == _CONFLICT:
        return None
    if _status(answer) in _DENIED:
        return Unauthorized(f"braket refuses our credentials: {code}")
    return Refused(f"braket: {said or code}", code="program_invalid" if "Validation" in code else "backend_refused")


def _code(answer: Mapping[str, Any]) -> str:
    return str(answer["Error"].get("Code") or "")


def _message(answer: Mapping[str, Any]) -> str:
    return str(answer["Error"].get("Message") or "")[:500]


def _status(answer: Mapping[str, Any]) -> int:
    return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)


def _describe(answer: Mapping[str, Any]) -> str:
    return f"{_status(answer)} {_code(answer)} {_message(answer)}".strip()


def _retry_after(answer: Mapping[str, Any], *, otherwise: float = PATIENCE_S) -> float:
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return patience(headers.get("retry-after"), otherwise=otherwise)
