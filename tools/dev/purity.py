"""Two contracts for import-linter: a package's rooms in order, and pure models.

Modules of a model are pure: a reader of one needs to know nothing else, and whatever
runs Python can run it.
"""

import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from grimp import ImportGraph, Layer
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


class RoomsInOrder(Contract):
    """The rooms of `package` import only what stands below them.

    `above` and `below` name rooms, the highest first. What is in none of the lists, a
    mechanism or a folder of them, is between the two, so a new one needs no entry.
    """

    package = fields.StringField()
    above = fields.ListField(subfield=fields.StringField())
    below = fields.ListField(subfield=fields.StringField())
    beside = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Look at the imports between rooms, direct and through others."""
        layers = rooms(graph, self.package, self.above, self.below, self.beside)  # type: ignore[arg-type]  # a field holds its value
        found = graph.find_illegal_dependencies_for_layers(layers=layers)
        links = [f"{one.importer} imports {one.imported}" for one in found]
        return ContractCheck(kept=not links, metadata={"links": sorted(links)})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each pair of rooms that is the wrong way round."""
        for link in check.metadata["links"]:
            output.print_error(link)


def rooms(
    graph: ImportGraph,
    package: str,
    above: list[str],
    below: list[str],
    beside: list[str],
) -> list[Layer]:
    """Return the rooms of a package as layers, the highest first."""
    there = {name.rpartition(".")[2] for name in graph.find_children(package)}
    if missing := {*above, *below, *beside} - there:
        raise ValueError(f"{package} has no {', '.join(sorted(missing))}")
    between = sorted(there - {*above, *below, *beside})
    order = [(name,) for name in above] + [tuple(between)] + [(n,) for n in below]
    return [
        Layer(*(f"{package}.{name}" for name in names), independent=False)
        for names in order
    ]


def circles(graph: ImportGraph, package: str) -> list[str]:
    """Return modules of a package that import each other in a circle, if any."""
    imports = {
        module: {
            name
            for name in graph.find_modules_directly_imported_by(module)
            if name.startswith(f"{package}.")
        }
        for module in graph.modules
        if module.startswith(f"{package}.")
    }
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


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
