"""How are logs written? One JSON object per line with job and trace ids; never a secret."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime

from broker.domain.text import storable

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
SECRETS = re.compile(r"(qs_live_\w{8}_)\w+|(?i:(bearer|authorization)[\"':= ]+)\S+")


def redact(text: str) -> str:
    """The text without anything that looks like a key."""
    return SECRETS.sub(lambda match: f"{match.group(1) or match.group(2) or ''}***", text)


class JsonLines(logging.Formatter):
    """Time, level, logger, message and every extra field."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return storable(redact(json.dumps(line, default=str, ensure_ascii=False)))


def configure(level: str, *, as_json: bool) -> None:
    """Send every logger of this process to standard error."""
    speaker = logging.StreamHandler()
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    speaker.setFormatter(JsonLines() if as_json else plain)
    logging.basicConfig(level=level, handlers=[speaker], force=True)
    for noisy in ("httpx", "botocore", "urllib3", "kombu", "amqp"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
