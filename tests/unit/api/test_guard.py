"""What is refused before anything is read?"""

from __future__ import annotations

import pytest

from broker.api.guard import RateLimit
from broker.domain.errors import TooMany
from tests.support.gateway import request

POSTS = ["/v1/jobs", "/v1/quotes", "/v1/keys"]


@pytest.fixture
def small(limited):
    """A gateway that takes bodies of at most 1,000 bytes."""
    with limited(body_limit=1000) as made:
        yield made


def pieces(size, piece=100):
    """A body of unknown length."""
    for start in range(0, size, piece):
        yield b" " * min(piece, size - start)


@pytest.mark.parametrize("path", POSTS)
def test_a_declared_length_over_the_limit_is_too_large(small, path):
    answer = small.call("ada", "POST", path, content=b" " * 1001)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", POSTS)
def test_a_body_that_grows_over_the_limit_is_too_large(small, path):
    answer = small.call("ada", "POST", path, content=pieces(5000), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("path", POSTS)
def test_a_body_in_pieces_within_the_limit_is_read(small, path):
    answer = small.call("ada", "POST", path, content=pieces(1000), headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


def test_the_largest_body_is_admitted(limited):
    with limited(body_limit=1 << 20) as gateway:
        import json

        body = json.dumps(request()).encode()
        assert gateway.call("ada", "POST", "/v1/jobs", content=body + b" " * ((1 << 20) - len(body))).status_code == 202
        assert (
            gateway.call("ada", "POST", "/v1/jobs", content=body + b" " * ((1 << 20) + 1 - len(body))).status_code
            == 413
        )


def test_a_key_that_is_used_too_fast_is_told_when_to_come_back(limited):
    with limited(rate_per_s=0.01, rate_burst=3) as gateway:
        codes = [gateway.call("ada", "GET", "/v1/jobs").status_code for _ in range(4)]
        answer = gateway.call("ada", "GET", "/v1/jobs")
        assert codes == [200, 200, 200, 429]
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert 1 <= int(answer.headers["retry-after"]) <= 100
        assert gateway.call("bob", "GET", "/v1/jobs").status_code == 200


def test_a10_more_keys_do_not_get_a_member_more_of_the_gateway(limited):
    with limited(rate_per_s=0.01, rate_burst=3) as gateway:
        other = gateway.call("ada", "POST", "/v1/keys", json={}).json()["key"]
        codes = [gateway.call("", "GET", "/v1/jobs", key=other).status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        assert gateway.call("bob", "GET", "/v1/jobs").status_code == 200


def test_the_bucket_fills_again(monkeypatch):
    now = 0.0
    monkeypatch.setattr("broker.api.guard.time.monotonic", lambda: now)
    bucket = RateLimit(2.0, 1)
    bucket.take("a")
    with pytest.raises(TooMany) as caught:
        bucket.take("a")
    assert caught.value.retry_after == pytest.approx(0.5)
    now = 0.5
    bucket.take("a")


def test_the_bucket_never_holds_more_than_its_burst(monkeypatch):
    now = 0.0
    monkeypatch.setattr("broker.api.guard.time.monotonic", lambda: now)
    bucket = RateLimit(1.0, 2)
    now = 1e6
    bucket.take("a")
    bucket.take("a")
    with pytest.raises(TooMany):
        bucket.take("a")
