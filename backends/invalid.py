"""What is wrong with a program, in the words of a child that runs or translates it? Child side."""

from __future__ import annotations

from typing import Any

Foreign = Any
"""A value of a library without types."""


class Invalid(Exception):
    """The program cannot be run; ``line`` and ``column`` are 1-based, ``pointer`` is RFC 6901, where known."""

    code = "program_invalid"

    def __init__(
        self, message: str, *, line: int | None = None, column: int | None = None, pointer: str | None = None
    ) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.pointer = pointer
