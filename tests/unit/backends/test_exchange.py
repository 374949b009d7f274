"""Is a reply read as it came, is a wait within reason, and does nobody wait longer than said?"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from backends.exchange import Reply, patience, within


def test_a_reply_keeps_its_text_beside_its_document():
    reply = Reply.of(200, b'{"a": "\xc3\xa9"}', "7")
    assert (reply.status, reply.text, reply.document, reply.retry_after) == (200, '{"a": "é"}', {"a": "é"}, "7")


@pytest.mark.parametrize("content", [b"[1]", b"<html>", b"", b'{"a": "\xe9"}', b"[" * 100_000])
def test_what_is_no_json_object_in_utf_8_is_no_document(content):
    assert Reply.of(200, content, None).document is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        *(("7", 7), ("0.5", 1), ("0", 1), ("-3", 1), ("1e9", 3600), ("Mon, 01 Jan 1990 00:00:00 GMT", 1)),
        *((None, 10), ("", 10), ("soon", 10), ("nan", 10), ("inf", 10), ("9" * 200, 10), (7, 10)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
    ],
)
def test_a6_patience_is_what_the_vendor_asks_within_reason(header, seconds):
    assert patience(header) == seconds


def test_patience_may_be_a_date():
    header = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert patience(header) == pytest.approx(60, abs=2)


def test_a_call_in_time_gives_its_value_or_its_own_error():
    assert within(5.0, lambda: 7, name="test") == 7
    with pytest.raises(ZeroDivisionError):
        within(5.0, lambda: 1 // 0, name="test")


def test_a_call_that_does_not_end_is_left_behind():
    release = threading.Event()
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        within(0.05, release.wait, name="test")
    assert time.monotonic() - started < 2.0
    release.set()
