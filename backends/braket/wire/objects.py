"""Enough of S3 and STS for Braket's clients: objects by path, multipart uploads, and who am I."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

ACCOUNT = "111122223333"
_S3 = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_STS = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'
_PAGE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """An object; ``at`` is Unix seconds."""

    key: str
    body: bytes
    at: float

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


class ObjectStore(Protocol):
    """Where objects lie; methods may block."""

    def put(self, bucket: str, key: str, body: bytes) -> Stored:
        """Keep an object."""

    def get(self, bucket: str, key: str) -> Stored | None:
        """An object, if there is one."""

    def drop(self, bucket: str, key: str) -> None:
        """Forget an object."""

    def under(self, bucket: str, prefix: str) -> Sequence[Stored]:
        """Objects whose key starts with ``prefix``, by key."""


def object_routes(store: ObjectStore) -> list[BaseRoute]:
    """Path-style S3 under ``/{bucket}/{key}`` and STS at ``POST /``."""
    wire = _Objects(store)
    verbs = ["GET", "HEAD", "PUT", "POST", "DELETE"]
    return [
        Route("/", _sts, methods=["POST"]),
        Route("/{bucket}", wire.bucket, methods=verbs),
        Route("/{bucket}/", wire.bucket, methods=verbs),
        Route("/{bucket}/{key:path}", wire.object, methods=verbs),
    ]


async def _sts(request: Request) -> Response:
    action = parse_qs((await request.body()).decode()).get("Action", [""])[0]
    if action != "GetCallerIdentity":
        return _error("InvalidAction", f"no action {action}", 400)
    inner = f"<Arn>arn:aws:iam::{ACCOUNT}:user/sandbox</Arn><UserId>AIDASANDBOX</UserId><Account>{ACCOUNT}</Account>"
    return _xml(
        f"<GetCallerIdentityResponse {_STS}><GetCallerIdentityResult>{inner}</GetCallerIdentityResult>"
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )


class _Objects:
    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._uploads: dict[str, dict[int, bytes]] = {}

    async def bucket(self, request: Request) -> Response:
        """Every bucket exists; creating, locking and policing one always succeeds."""
        if request.method != "GET":
            return Response(status_code=200, headers={"location": f"/{request.path_params['bucket']}"})
        if "location" in request.query_params:
            return _xml(f"<LocationConstraint {_S3}></LocationConstraint>")
        return await run_in_threadpool(self._listed, request)

    def _listed(self, request: Request) -> Response:
        query = request.query_params
        prefix, after = query.get("prefix", ""), query.get("continuation-token") or query.get("start-after", "")
        size = min(int(query.get("max-keys", _PAGE)), _PAGE)
        found = [each for each in self._store.under(request.path_params["bucket"], prefix) if each.key > after]
        shown, more = found[:size], len(found) > size
        contents = "".join(
            f"<Contents><Key>{escape(each.key)}</Key><LastModified>{_iso(each.at)}</LastModified>"
            f"<ETag>{escape(each.etag)}</ETag><Size>{len(each.body)}</Size>"
            f"<StorageClass>STANDARD</StorageClass></Contents>"
            for each in shown
        )
        token = f"<NextContinuationToken>{escape(shown[-1].key)}</NextContinuationToken>" if more else ""
        return _xml(
            f"<ListBucketResult {_S3}><Name>{escape(request.path_params['bucket'])}</Name>"
            f"<Prefix>{escape(prefix)}</Prefix><KeyCount>{len(shown)}</KeyCount><MaxKeys>{size}</MaxKeys>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{contents}</ListBucketResult>"
        )

    async def object(self, request: Request) -> Response:
        """One object, or one step of a multipart upload."""
        if request.method in ("PUT", "POST"):
            return await self._written(request, _plain(request, await request.body()))
        bucket, key = request.path_params["bucket"], request.path_params["key"]
        if request.method == "DELETE":
            self._uploads.pop(request.query_params.get("uploadId", ""), None)
            if "uploadId" not in request.query_params:
                await run_in_threadpool(self._store.drop, bucket, key)
            return Response(status_code=204)
        found = await run_in_threadpool(self._store.get, bucket, key)
        if found is None:
            return _error("NoSuchKey", "The specified key does not exist.", 404)
        return _shown(found, request)

    async def _written(self, request: Request, body: bytes) -> Response:
        bucket, key, query = request.path_params["bucket"], request.path_params["key"], request.query_params
        if request.method == "POST" and "uploads" in query:
            upload = uuid.uuid4().hex
            self._uploads[upload] = {}
            return _upload_xml("InitiateMultipartUploadResult", bucket, key, f"<UploadId>{upload}</UploadId>")
        parts = self._uploads.get(query.get("uploadId", ""))
        if "uploadId" in query and parts is None:
            return _error("NoSuchUpload", "The specified upload does not exist.", 404)
        if parts is not None and request.method == "PUT":
            parts[int(query["partNumber"])] = body
            return Response(headers={"etag": Stored(key=key, body=body, at=0).etag})
        if parts is not None:
            whole = b"".join(parts[number] for number in sorted(parts))
            stored = await run_in_threadpool(self._store.put, bucket, key, whole)
            self._uploads.pop(query["uploadId"], None)
            etag = f"<ETag>{escape(stored.etag)}</ETag>"
            return _upload_xml("CompleteMultipartUploadResult", bucket, key, etag)
        stored = await run_in_threadpool(self._store.put, bucket, key, body)
        return Response(headers={"etag": stored.etag})


def _upload_xml(name: str, bucket: str, key: str, inner: str) -> Response:
    return _xml(f"<{name} {_S3}><Bucket>{escape(bucket)}</Bucket><Key>{escape(key)}</Key>{inner}</{name}>")


def _shown(found: Stored, request: Request) -> Response:
    """The body, or the range of it that is asked for."""
    at = format_datetime(datetime.fromtimestamp(found.at, UTC), usegmt=True)
    headers = {"etag": found.etag, "last-modified": at, "accept-ranges": "bytes"}
    body, status = found.body, 200
    asked = request.headers.get("range", "")
    if asked.startswith("bytes="):
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, end = int(first or 0), min(int(last or len(body) - 1), len(body) - 1)
        headers["content-range"] = f"bytes {start}-{end}/{len(body)}"
        body, status = body[start : end + 1], 206
    if request.method == "HEAD":
        headers["content-length"] = str(len(body))
        return Response(status_code=status, headers=headers, media_type="application/octet-stream")
    return Response(body, status_code=status, headers=headers, media_type="application/octet-stream")


def _plain(request: Request, body: bytes) -> bytes:
    """The bytes themselves, out of ``aws-chunked`` frames where the client sent such."""
    if "aws-chunked" not in request.headers.get("content-encoding", ""):
        return body
    parts: list[bytes] = []
    at = 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end].split(b";")[0], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(body[end + 2 : end + 2 + size])
        at = end + 2 + size + 2


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _error(code: str, message: str, status: int) -> Response:
    text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return _xml(text, status)


def _xml(inner: str, status: int = 200) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{inner}'
    return Response(body, status_code=status, media_type="application/xml")
