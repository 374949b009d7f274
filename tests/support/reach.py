"""What may a package of ours import at all, third-party code included?

import-linter's own contracts name what is forbidden, so a new library passes them unseen, and they
fail on a package that does not exist yet. This one can also name the little that is allowed.
"""

import sys
from collections.abc import Iterable, Iterator

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

Breach = tuple[str, str, int]  # importer, imported, line


def _within(module: str, packages: Iterable[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


class Reach(Contract):
    """`modules` (and all below them, minus `apart_from`) import only `only`, and never `never`.

    The standard library is always allowed. Indirect imports are the imported package's own affair.
    """

    type_name = "reach"

    modules = fields.ListField(subfield=fields.StringField())
    only = fields.ListField(subfield=fields.StringField(), required=False)
    never = fields.ListField(subfield=fields.StringField(), required=False)
    apart_from = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        del verbose
        breaches = sorted(self._breaches(graph))
        return ContractCheck(kept=not breaches, metadata={"breaches": breaches})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported, line in check.metadata["breaches"]:
            output.print_error(f"{importer} imports {imported} (l.{line})")

    def _breaches(self, graph: ImportGraph) -> Iterator[Breach]:
        for importer in graph.modules:
            if not _within(importer, self.modules) or _within(importer, self.apart_from or ()):
                continue
            for imported in graph.find_modules_directly_imported_by(importer):
                if self._allows(imported):
                    continue
                details = graph.get_import_details(importer=importer, imported=imported)
                yield importer, imported, details[0]["line_number"] if details else 0

    def _allows(self, imported: str) -> bool:
        if imported.partition(".")[0] in sys.stdlib_module_names:
            return True
        if _within(imported, self.never or ()):
            return False
        return not self.only or _within(imported, self.only)
