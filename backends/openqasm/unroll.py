"""What is left of an OpenQASM 3 program before it runs? Constants, variables and loops are worked out and gone."""

from __future__ import annotations

from collections import ChainMap
from typing import TYPE_CHECKING, Final

from openqasm3 import ast

from backends.invalid import Invalid
from backends.openqasm.conditions import branches
from backends.openqasm.fold import Number, binary, blamed, cast, folded, is_number, rebuilt, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

MOST_STATEMENTS: Final = 1_000_000

Names = ChainMap[str, Number]
Statement = ast.Statement | ast.Pragma


class Unrolling:
    """One pass over one program; ``bits`` are the names of single bits."""

    def __init__(self) -> None:
        self._left = MOST_STATEMENTS
        self._bits: set[str] = set()
        self._guarded = 0
        self._rules: Mapping[type, Callable[..., Iterable[Statement]]] = {
            ast.ConstantDeclaration: self._declared,
            ast.ClassicalDeclaration: self._declared,
            ast.ClassicalAssignment: self._assigned,
            ast.IODeclaration: self._ported,
            ast.QuantumGateDefinition: self._defined,
            ast.ForInLoop: self._repeated,
            ast.WhileLoop: self._while,
            ast.BranchingStatement: self._branched,
            ast.Box: self._boxed,
        }

    def program(self, program: ast.Program) -> ast.Program:
        """Without anything that the importer cannot read, as far as the run does not decide it."""
        statements = list(self._block(program.statements, ChainMap()))
        made = ast.Program(_without_idle_measurements(statements), version=program.version)
        made.span = program.span
        return made

    def _block(self, statements: Iterable[Statement], names: Names) -> Iterator[Statement]:
        for statement in statements:
            self._left -= 1
            if self._left < 0:
                raise blamed(statement, f"more than {MOST_STATEMENTS} statements after expansion")
            rule = self._rules.get(type(statement))
            if rule is None:
                yield _statement(statement, names)
            else:
                yield from rule(statement, names)

    def _declared(self, node: ast.ClassicalDeclaration | ast.ConstantDeclaration, names: Names) -> Iterator[Statement]:
        name = node.identifier.name
        if not is_number(node.type):
            if isinstance(node.type, ast.BitType) and node.type.size is None:
                self._bits.add(name)
            yield _statement(node, names)
            return
        value = 0 if node.init_expression is None else value_of(node.init_expression, names)
        if value is None:
            raise blamed(node, f"the value of {name} is not known before the run")
        names.maps[0][name] = cast(node.type, value)

    def _assigned(self, node: ast.ClassicalAssignment, names: Names) -> Iterator[Statement]:
        scope = next((scope for scope in names.maps if node.lvalue.name in scope), None)
        if scope is None or not isinstance(node.lvalue, ast.Identifier):
            yield _statement(node, names)
            return
        name, value = node.lvalue.name, value_of(node.rvalue, names)
        if value is None or self._guarded:
            raise blamed(node, f"the value of {name} is not known before the run")
        word = node.op.name.removesuffix("=")
        kept = type(scope[name])
        scope[name] = kept(binary(node, word, scope[name], value) if word else value)

    def _ported(self, node: ast.IODeclaration, names: Names) -> Iterator[Statement]:
        """An output is a declaration; an input stays, for the point to bind."""
        if node.io_identifier is ast.IOKeyword.input:
            yield _statement(node, names)
            return
        plain = ast.ClassicalDeclaration(node.type, node.identifier)
        plain.span = node.span
        yield from self._declared(plain, names)

    def _defined(self, node: ast.QuantumGateDefinition, names: Names) -> Iterator[Statement]:
        own = {argument.name for argument in node.arguments}
        known = ChainMap({name: value for name, value in names.items() if name not in own})
        parts = {"name": node.name, "arguments": node.arguments, "qubits": node.qubits}
        yield _made(node, {**parts, "body": list(self._block(node.body, known))})

    def _repeated(self, node: ast.ForInLoop, names: Names) -> Iterator[Statement]:
        for value in self._values(node, names):
            inner = names.new_child({node.identifier.name: cast(node.type, value)})
            yield from self._block(_unbroken(node.block), inner)

    def _values(self, node: ast.ForInLoop, names: Names) -> Iterable[Number]:
        over = node.set_declaration
        if isinstance(over, ast.DiscreteSet):
            values = [value_of(one, names) for one in over.values]
        elif isinstance(over, ast.RangeDefinition):
            values = [value_of(one, names) if one is not None else None for one in (over.start, over.end)]
            step = 1 if over.step is None else value_of(over.step, names)
            if step is not None and None not in values:
                first, last = (int(value or 0) for value in values)
                if not step:
                    raise blamed(node, "this loop has step 0")
                return range(first, last + (1 if step > 0 else -1), int(step))
        else:
            values = [None]
        if None in values:
            raise blamed(node, "the values of this loop are not known before the run")
        return [value for value in values if value is not None]

    def _while(self, node: ast.WhileLoop, names: Names) -> Iterator[Statement]:
        if value_of(node.while_condition, names) is None:
            raise blamed(node, "nobody knows before the run how often this loop runs")
        while value_of(node.while_condition, names):
            yield from self._block(_unbroken(node.block), names.new_child())

    def _branched(self, node: ast.BranchingStatement, names: Names) -> Iterator[Statement]:
        known = value_of(node.condition, names)
        if known is not None:
            yield from self._block(node.if_block if known else node.else_block, names.new_child())
            return
        self._guarded += 1
        yes, no = (self._blocked(block, names) for block in (node.if_block, node.else_block))
        self._guarded -= 1
        condition = folded(node.condition, names)
        assert isinstance(condition, ast.Expression)  # noqa: S101  folding keeps the kind
        yield from branches(condition, yes, no, self._bits)

    def _blocked(self, block: Sequence[Statement], names: Names) -> list[ast.Statement]:
        made = self._block(block, names.new_child())
        return [statement for statement in made if isinstance(statement, ast.Statement)]

    def _boxed(self, node: ast.Box, names: Names) -> Iterator[Statement]:
        """Nothing is rearranged here, so that a box is its content."""
        yield from self._block(node.body, names.new_child())


def _statement(node: Statement, names: Names) -> Statement:
    made = folded(node, names)
    assert isinstance(made, (ast.Statement, ast.Pragma))  # noqa: S101  folding keeps the kind
    return made


def _made(node: ast.Statement, parts: Mapping[str, object]) -> ast.Statement:
    made = rebuilt(node, parts)
    assert isinstance(made, ast.Statement)  # noqa: S101  as above
    return made


def _unbroken(block: Sequence[Statement]) -> Sequence[Statement]:
    for statement in block:
        if isinstance(statement, (ast.BreakStatement, ast.ContinueStatement)):
            raise blamed(statement, "break and continue are not supported here")
    return block


def _without_idle_measurements(statements: Sequence[Statement]) -> list[Statement]:
    """``measure q;`` keeps no bit: at the end it changes nothing that anybody reads."""
    kept: list[Statement] = []
    after = False
    for statement in reversed(statements):
        if isinstance(statement, ast.QuantumMeasurementStatement) and statement.target is None:
            if after:
                raise blamed(statement, "a measurement before the end must have a bit to go to")
            continue
        after = after or isinstance(statement, (ast.QuantumGate, ast.QuantumReset, ast.BranchingStatement))
        kept.append(statement)
    return kept[::-1]


def circuit_source(text: str) -> ast.Program:
    """The program of ``text``, unrolled.

    Raises:
        Invalid: it is no OpenQASM 3, or needs what only the run could tell.
    """
    from openqasm3.parser import QASM3ParsingError, parse

    try:
        program = parse(text)
    except QASM3ParsingError as error:
        raise Invalid(str(error)[:500] or "this is no OpenQASM 3") from error
    return Unrolling().program(program)
