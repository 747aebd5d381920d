"""How the house stands: its size, and how many places there are to look for a thing.

`python tools/house.py [FOLDER]` prints files, lines, folders with more than a dozen modules, the
depth of imports inside each room, modules with one importer, and names defined twice.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "src" / "pminusy"
A_DOZEN = 12


class House:
    """The modules of a package and what they import from each other."""

    def __init__(self, package: Path) -> None:
        self.paths = {self._name(package, path): path for path in sorted(package.rglob("*.py"))}
        self.trees = {n: ast.parse(p.read_text(encoding="utf-8")) for n, p in self.paths.items()}
        self.imports = {name: self._imports(name) for name in self.trees}

    @staticmethod
    def _name(package: Path, path: Path) -> str:
        parts = (package.name, *path.relative_to(package).with_suffix("").parts)
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def _imports(self, name: str) -> set[str]:
        found = set()
        for node in ast.walk(self.trees[name]):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    found.add(whole if whole in self.trees else node.module)
        return {other for other in found if other in self.trees and other != name}

    def lines(self, prefix: str = "") -> int:
        """Lines of all modules whose name begins so."""
        return sum(
            len(path.read_text(encoding="utf-8").splitlines())
            for name, path in self.paths.items()
            if within(name, prefix)
        )

    def floors(self, room: str) -> int:
        """Length of the longest chain of imports inside a room."""
        inside = {n for n in self.trees if within(n, room) and not self.is_package(n)}

        @cache
        def floor(name: str, above: frozenset[str] = frozenset()) -> int:
            below = (self.imports[name] & inside) - above - {name}
            return 1 + max((floor(other, above | {name}) for other in below), default=0)

        return max((floor(name) for name in inside), default=0)

    def is_package(self, name: str) -> bool:
        """Whether a module is a folder's own file."""
        return self.paths[name].name == "__init__.py"

    def importers(self) -> Counter[str]:
        """How many modules import each."""
        return Counter(other for found in self.imports.values() for other in found)

    def classes(self) -> dict[str, list[str]]:
        """Class names, and the modules that define each."""
        found = defaultdict(list)
        for name, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].append(name)
        return found


def within(name: str, prefix: str) -> bool:
    """Whether a module is a room or lies in it."""
    return not prefix or name == prefix or name.startswith(prefix + ".")


def main() -> None:
    """Print the figures."""
    package = Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGE
    house = House(package)
    folders = Counter(path.parent for path in house.paths.values() if path.name != "__init__.py")
    rooms = sorted(
        {".".join(name.split(".")[:2]) for name in house.trees if house.is_package(name)}
    )
    print(f"{len(house.paths)} files, {house.lines():,} lines, {len(folders)} folders")
    print("\nroom, files, lines, floors of imports")
    for room in rooms:
        if room != package.name:
            files = sum(within(name, room) for name in house.trees)
            print(f"  {room:24} {files:4} {house.lines(room):7,} {house.floors(room):4}")
    print("\nfolders with more than a dozen modules")
    for folder, count in folders.most_common():
        if count > A_DOZEN:
            print(f"  {folder.relative_to(package.parent)}: {count}")
    single = [n for n, count in house.importers().items() if count == 1 and not house.is_package(n)]
    print(f"\n{len(single)} modules with one importer")
    twice = {name: where for name, where in house.classes().items() if len(where) > 1}
    print(f"\n{len(twice)} class names defined in several modules")
    for name, where in sorted(twice.items()):
        print(f"  {name}: {', '.join(where)}")
    stems = defaultdict(list)
    for name in house.trees:
        if not house.is_package(name):
            stems[name.rsplit(".", 1)[-1]].append(name)
    shared = {stem: names for stem, names in stems.items() if len(names) > 1}
    print(f"\n{len(shared)} file names in several folders")
    for stem, names in sorted(shared.items()):
        print(f"  {stem}: {', '.join(names)}")


if __name__ == "__main__":
    main()
