"""How is a requirement written down? A JSON document that loads back to the equal value."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from broker.domain.program import Format, Paradigm
from broker.domain.requirement import Register, Requirement

if TYPE_CHECKING:
    from collections.abc import Mapping


def dump_requirement(need: Requirement) -> dict[str, Any]:
    """Plain JSON values."""
    return asdict(need)


def load_requirement(body: Mapping[str, Any]) -> Requirement:
    """The requirement that ``dump_requirement`` wrote."""
    return Requirement(
        **(
            dict(body)
            | {
                "format": Format(body["format"]),
                "paradigm": Paradigm(body["paradigm"]),
                "gates": tuple((arity, count) for arity, count in body["gates"]),
                "registers": tuple(Register(**register) for register in body["registers"]),
                "parameters": tuple(body["parameters"]),
                # What was admitted by an older version asks for none that it knew.
                "result_types": tuple(body.get("result_types", ())),
            }
        )
    )
