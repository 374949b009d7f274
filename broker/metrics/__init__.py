"""What do operators watch? Prometheus metrics read from the store, so that every gateway tells the same."""

from broker.metrics.page import Metrics

__all__ = ["Metrics"]
