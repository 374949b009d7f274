"""How is everything named? Ids are text UUIDs that sort by time; attempts are derived, never drawn."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from datetime import datetime

JobId = NewType("JobId", str)
AttemptId = NewType("AttemptId", str)
HubId = NewType("HubId", str)
OrganisationId = NewType("OrganisationId", str)
ProjectId = NewType("ProjectId", str)
MemberId = NewType("MemberId", str)
KeyId = NewType("KeyId", str)
DeviceName = NewType("DeviceName", str)
RemoteId = NewType("RemoteId", str)
HostId = NewType("HostId", str)

TOKEN_PREFIX = "qsub-"  # noqa: S105  shown to vendors, and no secret


def uuid7(at: datetime, entropy: bytes) -> str:
    """A UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds of ``at``, then 10 bytes of ``entropy``."""
    milliseconds = int(at.timestamp() * 1000)
    raw = bytearray(milliseconds.to_bytes(6, "big") + entropy[:10])
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    return str(uuid.UUID(bytes=bytes(raw)))


def attempt_id(job: JobId, number: int) -> AttemptId:
    """The ``number``-th try of ``job``: the same on every worker that computes it, so a retry cannot rename it."""
    return AttemptId(str(uuid.uuid5(uuid.UUID(job), str(number))))


def token_of(attempt: AttemptId) -> str:
    """The vendor-side idempotency token or tag of an attempt: 41 characters, at most 64 allowed."""
    return TOKEN_PREFIX + attempt
