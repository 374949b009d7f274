"""Whose fault is an error? One row's, and then the others are written; or the database's, and then nobody's."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError, StatementError

from broker.domain.errors import QsubmitError

# When a job of which something cannot be read or written is looked at again: what was refused once will most likely be
# refused again, an operator must look, and meanwhile it must not stand before the others.
PUT_OFF = timedelta(minutes=10)
# What a spoiled value raises on its way into or out of a row. Not OperationalError: a database that is away, or that
# is locked, says nothing about any row, and to blame one would end jobs for an outage.
OF_ONE_ROW = (
    ArithmeticError,
    AttributeError,
    DataError,
    IntegrityError,
    LookupError,
    QsubmitError,
    RecursionError,
    StatementError,
    TypeError,
    ValueError,
)
# SQLSTATE classes: data, integrity, and limits of the program (a value of more than a gigabyte).
_CLASSES = ("22", "23", "54")


def of_one_row(error: Exception) -> bool:
    """Whether to try the others without it makes sense."""
    if isinstance(error, (OperationalError, InterfaceError)):
        return str(getattr(error.orig, "sqlstate", None) or "").startswith(_CLASSES)
    return isinstance(error, OF_ONE_ROW)
