"""What can an operator set? Frozen values from the environment (``QSUBMIT_*``), read once at a composition root."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from broker.domain.recovery import Quiescence
from broker.domain.terms import Terms

IN_FILES = ("database_url", "broker_url", "metrics_token")


class Settings(BaseSettings):
    """Durations are in seconds.

    The pepper keeps a stolen table of API keys from being of use: ``pepper_file`` wins over ``pepper``, and what is
    set wins over the file ``pepper`` in the data directory. Other secrets may stand in files too: of a value and its
    ``…_file`` the value wins. With ``metrics_token`` set, only who sends it may read ``/metrics``.
    """

    model_config = SettingsConfigDict(env_prefix="QSUBMIT_", frozen=True, extra="ignore")

    data: Path = Path("qsubmit-data")
    database_url: str = ""
    database_url_file: Path | None = None
    broker_url: str = ""
    broker_url_file: Path | None = None
    metrics_token: str = ""
    metrics_token_file: Path | None = None
    pepper: SecretStr | None = None
    pepper_file: Path | None = None
    backends: str = ""
    lease_s: float = 90.0
    send_timeout_s: float = 30.0
    quiescence_s: float = 600.0
    quiescence_gap_s: float = 60.0
    doubted_s: float = Field(default=3600.0, gt=0)
    stay_s: float = 2.0
    batch: int = 128
    scan_s: float = 2.0
    scan_stale_s: float = 90.0
    catalogue_s: float = 30.0
    verify_s: float = 3600.0
    rate_per_s: float = Field(default=200.0, gt=0)
    rate_burst: int = 2000
    body_limit: int = 1 << 20
    log_level: str = "INFO"
    log_json: bool = True
    tracing: bool = False
    docs: bool = True

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, given: dict[str, Any]) -> dict[str, Any]:
        read = {}
        for name in IN_FILES:
            file = given.get(f"{name}_file")
            if file and not given.get(name):
                read[name] = Path(file).read_text().strip()
        return given | read

    @property
    def database(self) -> str:
        """The database URL; SQLite in the data directory unless set."""
        return self.database_url or f"sqlite:///{self.data / 'qsubmit.db'}"

    @property
    def terms(self) -> Terms:
        """The durations that drivers work by."""
        return Terms(
            lease=timedelta(seconds=self.lease_s),
            send_timeout=timedelta(seconds=self.send_timeout_s),
            quiescence=Quiescence(
                window=timedelta(seconds=self.quiescence_s), gap=timedelta(seconds=self.quiescence_gap_s)
            ),
            stay=timedelta(seconds=self.stay_s),
            doubted=timedelta(seconds=self.doubted_s),
            batch=self.batch,
        )

    def secret(self) -> bytes:
        """The pepper of API keys, at least 32 characters.

        Raises:
            ValueError: none is configured, or it is too short.
        """
        text = self._pepper_text()
        if len(text) < 32:  # noqa: PLR2004  256 bits in hexadecimal are 64, in base64 43
            raise ValueError("set QSUBMIT_PEPPER or QSUBMIT_PEPPER_FILE to at least 32 random characters")
        return text.encode()

    def _pepper_text(self) -> str:
        if self.pepper is not None and self.pepper_file is None:
            return self.pepper.get_secret_value()
        file = self.pepper_file or self.data / "pepper"
        return file.read_text().strip() if file.exists() else ""
