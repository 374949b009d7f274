"""Do a file's rows become prices with their date and source, and those of a sandbox prices of its own?"""

from __future__ import annotations

from datetime import UTC, datetime

from backends.price_rows import price_rows
from broker.domain.price import flat

ROWS = """
[[price]]
device = "vendor/one"
currency = "EUR"
per_task = "0.3"
per_shot = "0.00145"
per_second = "0"
as_of = 2026-11-20
source = "a page"

[[sandbox]]
device = "vendor/one"
currency = "EUR"
per_task = "0"
per_shot = "0"
per_second = "1"
as_of = 2026-11-20
source = "an example"
"""


def test_rows_become_prices(tmp_path):
    path = tmp_path / "prices.toml"
    path.write_text(ROWS)
    price, example = price_rows(path, "price")["vendor/one"], price_rows(path, "sandbox")["vendor/one"]
    assert (price.id, example.id) == ("vendor/one@2026-11-20", "vendor/one@2026-11-20-sandbox")
    assert price.components == flat(per_task=300_000, per_shot=1_450)
    assert (price.as_of, price.source) == (datetime(2026, 11, 20, tzinfo=UTC), "a page")
    assert (example.components, example.source) == (flat(per_second=1_000_000), "an example")


def test_a_table_without_rows_has_no_prices(tmp_path):
    path = tmp_path / "prices.toml"
    path.write_text("")
    assert price_rows(path, "price") == {}
