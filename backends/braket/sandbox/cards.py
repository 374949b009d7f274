"""Which devices does the sandbox offer? A card for each, from which its capabilities document is built.

Error figures are examples of the right size, not measurements; names, regions, widths and windows follow the
vendor's public descriptions. The simulators state what a sandbox can hold in memory, not what Amazon's can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SV1 = "arn:aws:braket:::device/quantum-simulator/amazon/sv1"
DM1 = "arn:aws:braket:::device/quantum-simulator/amazon/dm1"
TN1 = "arn:aws:braket:::device/quantum-simulator/amazon/tn1"
AQUILA = "arn:aws:braket:us-east-1::device/qpu/quera/Aquila"
SIMULATOR_REGIONS = ("us-east-1", "us-west-2", "eu-west-2")


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """One device. Errors are mean error probabilities; ``side`` lays a grid of qubits, 0 connects all."""

    arn: str
    name: str
    provider: str
    width: int
    shots: tuple[int, int]
    native: tuple[str, ...] = ()
    one: float = 0.0
    two: float = 0.0
    readout: float = 0.0
    side: int = 0
    windows: tuple[tuple[str, str, str], ...] = ()
    retired: bool = False
    program_set: bool = True
    summary: str = ""

    @property
    def is_qpu(self) -> bool:
        return ":device/qpu/" in self.arn

    @property
    def region(self) -> str:
        """Empty for a simulator, which is in several."""
        return self.arn.split(":")[3]


def _qpu(region: str, path: str, provider: str, **rest: Any) -> Card:  # noqa: ANN401  Card's own fields
    return Card(
        arn=f"arn:aws:braket:{region}::device/qpu/{path}", name=path.split("/")[1].replace("-", " "),
        provider=provider, **rest,
    )  # fmt: skip


CARDS = (
    Card(arn=SV1, name="SV1", provider="Amazon Braket", width=26, shots=(0, 100_000),
         summary="State vector simulator (sandbox: at most 26 qubits)"),
    Card(arn=DM1, name="dm1", provider="Amazon Braket", width=12, shots=(0, 100_000),
         summary="Density matrix simulator (sandbox: at most 12 qubits)"),
    Card(arn=TN1, name="TN1", provider="Amazon Braket", width=26, shots=(1, 1000), retired=True,
         summary="Tensor network simulator; no longer offered by the vendor"),
    _qpu("us-east-1", "ionq/Forte-1", "IonQ", width=36, shots=(1, 5000), native=("gpi", "gpi2", "zz"),
         one=0.0002, two=0.004, readout=0.005, summary="Trapped ions, all connected"),
    _qpu("us-east-1", "ionq/Forte-Enterprise-1", "IonQ", width=36, shots=(1, 5000), native=("gpi", "gpi2", "zz"),
         one=0.0002, two=0.005, readout=0.005, summary="Trapped ions, all connected"),
    _qpu("eu-north-1", "iqm/Garnet", "IQM", width=20, shots=(1, 20_000), native=("cz", "prx"),
         one=0.001, two=0.007, readout=0.02, side=5, summary="Superconducting qubits on a square grid"),
    _qpu("eu-north-1", "iqm/Emerald", "IQM", width=54, shots=(1, 20_000), native=("cz", "prx"),
         one=0.001, two=0.006, readout=0.02, side=9, summary="Superconducting qubits on a square grid"),
    _qpu("us-west-1", "rigetti/Cepheus-1-108Q", "Rigetti", width=108, shots=(1, 50_000), native=("rx", "rz", "iswap"),
         one=0.001, two=0.01, readout=0.04, side=12, summary="Superconducting qubits on a square grid"),
    _qpu("eu-north-1", "aqt/Ibex-Q1", "AQT", width=12, shots=(1, 2000), native=("prx", "xx", "rz"),
         one=0.0005, two=0.015, readout=0.004, program_set=False,
         windows=(("Weekdays", "08:00:00", "16:00:00"),), summary="Trapped ions, all connected"),
    Card(arn=AQUILA, name="Aquila", provider="QuEra", width=256, shots=(1, 1000), readout=0.045,
         windows=(("Everyday", "00:00:00", "23:59:59"),), program_set=False,
         summary="Neutral atoms, analog Hamiltonian simulation"),
)  # fmt: skip
BY_ARN = {card.arn: card for card in CARDS}
