"""How is a condition on measured bits said for the importer? As one bit, or as one register equal to a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openqasm3 import ast

from backends.openqasm.fold import blamed

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

MOST_EXCLUSIVE = 10

Block = list[ast.Statement]


def branches(condition: ast.Expression, yes: Block, no: Block, bits: AbstractSet[str]) -> Block:
    """``if (condition) yes else no`` with ``&&``, ``||``, ``!`` and ``!=`` taken apart; ``bits`` are single bits."""
    if isinstance(condition, ast.BooleanLiteral):
        return yes if condition.value else no
    if isinstance(condition, ast.Cast):
        return branches(condition.argument, yes, no, bits)
    if isinstance(condition, ast.UnaryExpression) and condition.op.name == "!":
        return branches(condition.expression, no, yes, bits)
    if isinstance(condition, ast.BinaryExpression):
        left, right = condition.lhs, condition.rhs
        if condition.op.name in {"&&", "&"}:
            return branches(left, branches(right, yes, no, bits), no, bits)
        if condition.op.name in {"||", "|"}:
            return branches(left, yes, branches(right, yes, no, bits), bits)
        if condition.op.name == "^":
            return _exclusive(condition, yes, no, bits)
        if condition.op.name == "!=":
            return branches(_equal(condition), no, yes, bits)
        if condition.op.name == "==":
            return _compared(condition, yes, no, bits)
    return _branch(condition, yes, no)


def _compared(condition: ast.BinaryExpression, yes: Block, no: Block, bits: AbstractSet[str]) -> Block:
    left, right = condition.lhs, condition.rhs
    if isinstance(left, (ast.IntegerLiteral, ast.BooleanLiteral, ast.BitstringLiteral)):
        left, right = right, left
    left = left.argument if isinstance(left, ast.Cast) else left
    if _single(left, bits) and isinstance(right, (ast.IntegerLiteral, ast.BooleanLiteral)):
        if right.value not in {0, 1}:
            return no
        return branches(left, yes, no, bits) if right.value else branches(left, no, yes, bits)
    equal = ast.BinaryExpression(condition.op, left, right)
    equal.span = condition.span
    return _branch(equal, yes, no)


def _exclusive(condition: ast.BinaryExpression, yes: Block, no: Block, bits: AbstractSet[str]) -> Block:
    """Each bit more doubles what is written."""
    terms, rest = 1, condition.lhs
    while isinstance(rest, ast.BinaryExpression) and rest.op.name == "^":
        terms, rest = terms + 1, rest.lhs
    if terms > MOST_EXCLUSIVE:
        raise blamed(condition, f"more than {MOST_EXCLUSIVE} bits in an exclusive or")
    other = condition.rhs
    return branches(condition.lhs, branches(other, no, yes, bits), branches(other, yes, no, bits), bits)


def _single(node: object, bits: AbstractSet[str]) -> bool:
    """Whether this is one bit: ``c[2]``, a ``bit`` without a size, or what an operation on bits gives."""
    if isinstance(node, ast.UnaryExpression):
        return node.op.name == "!"
    if isinstance(node, ast.BinaryExpression):
        return node.op.name in {"==", "!=", "&&", "||"} or (_single(node.lhs, bits) and _single(node.rhs, bits))
    if isinstance(node, ast.Identifier):
        return node.name in bits
    if not isinstance(node, ast.IndexExpression) or not isinstance(node.index, list):
        return False
    return len(node.index) == 1 and isinstance(node.index[0], ast.Expression)


def _equal(condition: ast.BinaryExpression) -> ast.BinaryExpression:
    made = ast.BinaryExpression(ast.BinaryOperator["=="], condition.lhs, condition.rhs)
    made.span = condition.span
    return made


def _branch(condition: ast.Expression, yes: Block, no: Block) -> Block:
    if not yes and not no:
        return []
    made = ast.BranchingStatement(condition, yes, no)
    made.span = condition.span
    return [made]
