"""A contract for import-linter: some modules import the standard library alone.

Modules of a model are pure: whoever reads one needs to know nothing else, and whatever
runs Python can run it.
"""

import sys
from collections.abc import Iterator

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

Link = tuple[str, str, int | None]


class StandardLibraryOnly(Contract):
    """Each of `modules`, and all in it, imports the standard library and itself."""

    modules = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Look at every import of every module."""
        impure = [
            link
            for module in self.modules  # type: ignore[attr-defined]  # a field holds its list
            for link in impurities(graph, str(module))
        ]
        return ContractCheck(kept=not impure, metadata={"impure": impure})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each import that should not be there."""
        for importer, imported, line in check.metadata["impure"]:
            output.print_error(f"{importer}:{line} imports {imported}")


def impurities(graph: ImportGraph, module: str) -> Iterator[Link]:
    """Yield who imports what, and in which line, that is neither of these."""
    if module not in graph.modules:
        raise ValueError(
            f"there is no module {module!r} whose imports could be checked"
        )
    for importer in sorted({module, *graph.find_descendants(module)}):
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            top = imported.partition(".")[0]
            own = imported == module or imported.startswith(f"{module}.")
            if not own and top not in sys.stdlib_module_names:
                details = graph.get_import_details(importer=importer, imported=imported)
                line = details[0]["line_number"] if details else None
                yield importer, imported, line
