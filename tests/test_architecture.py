"""The map of the house names files, folders and functions that are there."""

import re
from pathlib import Path

import pminusy as pmy

PACKAGE = Path(pmy.__file__).parent
ROOT = PACKAGE.parents[1]
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TREE = TEXT.split("```")[1]
ROOMS = ("", "diagnosis", "derivation")  # what the paths of a table may be relative to


def test_the_tree_names_what_is_there():
    room, missing = PACKAGE, []
    for line in TREE.splitlines()[2:]:
        top = re.match(r" {2}(\w+)/ ", line)
        if re.match(r" {2}\w", line):
            room = PACKAGE / top[1] if top else PACKAGE
        for name in re.findall(r"[\w/]+\.(?:py|css)\b|\b\w+/(?= )", line):
            found = (room / name).exists() or any(room.rglob(name.rstrip("/")))
            if not found and not (PACKAGE / name).exists():
                missing.append((room.name, name))
    assert not missing


def test_every_room_is_in_the_tree():
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert rooms <= set(re.findall(r"^ {2}(\w+)/ ", TREE, re.MULTILINE))


def test_paths_and_functions_of_the_tables_exist():
    missing = []
    for path, name in re.findall(r"`([\w/]+\.(?:py|tsv))(?:: ([\w.]+))?`", TEXT):
        files = [file for room in ROOMS if (file := PACKAGE / room / path).is_file()]
        files += [ROOT / path] if (ROOT / path).is_file() else []
        files += [file for file in PACKAGE.rglob(path) if "/" not in path]
        last = name.rsplit(".", 1)[-1]
        if not any(re.search(rf"\b{last}\b", file.read_text(encoding="utf-8")) for file in files):
            missing.append((path, name))
    assert not missing
