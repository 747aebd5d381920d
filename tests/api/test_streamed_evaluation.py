"""Evaluations of tables that are read block by block: those in memory, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import pminusy as pmy
import pminusy.api.evaluate_blocks as evaluate_blocks_module
from pminusy.api.evaluate_blocks import evaluate_blocks
from pminusy.cli.app import run
from pminusy.errors import InputError
from pminusy.estimators import rank_files
from pminusy.tables.streaming import sources

AMPLE = "64GiB"
pytestmark = pytest.mark.filterwarnings("ignore::pminusy.errors.TableWarning")


def rows(number: int = 1500) -> pl.DataFrame:
    """The first block has no label, and in the second all weights are 0."""
    rng = np.random.default_rng(0)
    x, at = rng.normal(size=number), np.arange(number)
    label = np.where(x + rng.logistic(size=number) > 0, "high", "low").astype(object)
    label[at % 7 == 3] = "new"
    label[rng.random(number) < 0.2] = "middle"
    label[at < 64] = None
    return pl.DataFrame({
        "x": pl.Series(x).set(pl.Series(at % 11 == 5), None),
        "kind": rng.choice(["a", "b", "c"], number),
        "who": pl.Series(at // 3 % 300 + 0.0).set(pl.Series(at % 13 == 0), None),
        "ω": np.where(at < 128, 0.0, rng.exponential(size=number)),
        "y": pl.Series(label.tolist(), dtype=pl.String),
    })  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("tables") / "data"
    data.mkdir()
    for i, part in enumerate(rows().iter_slices(400)):
        part.write_parquet(data / f"{i}.parquet")
    return data


@pytest.fixture(scope="module", params=[{"weight": "ω", "drop": "who"},
                                        {"groups": "who", "drop": "ω"}])  # fmt: skip
def model(request: Any) -> Any:
    return pmy.fit_table(rows().filter(pl.col("y") != "new"), "y", **request.param)


def require_same(found: Any, expected: Any) -> None:
    assert found.rows == expected.rows
    assert found.of_the_table == expected.of_the_table
    for mine, other in ((found.scores, expected.scores), (found.baseline, expected.baseline)):
        assert dict(mine.named()) == pytest.approx(dict(other.named()), rel=1e-11)
    assert dict(found.ranking) == pytest.approx(dict(expected.ranking), rel=1e-11)
    assert (found.intervals.rows, found.intervals.groups) == (
        expected.intervals.rows, expected.intervals.groups,
    )  # fmt: skip
    for name, ends in expected.intervals.items():
        assert found.intervals[name] == pytest.approx(ends, rel=1e-8)
    for of_class, other in zip(found.by_class, expected.by_class, strict=True):
        assert of_class.label == other.label
        for value, same in zip(of_class[1:], other[1:], strict=True):
            assert value is same is None or value == pytest.approx(same, rel=1e-11)


def test_scores_are_those_in_memory(
    folder: Path, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_MOST_ROWS", 64)
    monkeypatch.setattr(rank_files, "_A_VALUE", 1 << 27)  # so that there are some twelve ranges
    # Groups are numbers: "7" and "7.0" are one.
    other = pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.col("who").cast(pl.Int64).cast(str))
    written = rows().with_columns(who=other.otherwise(pl.col("who").cast(str)))
    written.write_csv(tmp_path / "rows.csv")
    scan = pl.scan_parquet(folder / "*.parquet")
    tables = (folder, str(folder / "*.parquet"), scan, tmp_path / "rows.csv")
    for table, groups in zip(tables, (None, "kind", "who", "who"), strict=True):
        found = model.evaluate(table, memory=AMPLE, workdir=tmp_path, groups=groups)
        require_same(found, model.evaluate(rows(), groups=groups))
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]
    assert model.evaluate(folder).scores == model.evaluate(rows()).scores


def test_one_group_or_more_than_memory_holds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = pmy.fit_table(rows().filter(pl.col("y") != "new"), "y", groups="who", drop="ω")
    one = rows().with_columns(who=pl.lit(1.0))
    require_same(model.evaluate(one.lazy(), memory=AMPLE), model.evaluate(one))
    monkeypatch.setattr(evaluate_blocks_module, "BYTES_A_GROUP", 1 << 40)
    with pytest.raises(InputError, match="groups 'who': expected groups that memory holds"):
        model.evaluate(folder, memory=AMPLE)


def test_the_page_is_that_of_the_rows_in_memory(
    folder: Path, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_MOST_ROWS", 64)
    pages = [tmp_path / name for name in ("whole.html", "blocks.html", "part.html")]
    model.evaluate(folder).write_report(pages[0])
    model.evaluate(folder, memory=AMPLE).write_report(pages[1])
    assert pages[1].read_text() == pages[0].read_text()
    monkeypatch.setattr(evaluate_blocks_module, "_SHOWN", 1 << 22)
    part = model.evaluate(folder, memory=AMPLE)
    part.write_report(pages[2])
    assert 0 < part.judged.y.size < part.rows / 2
    whole, some = (page.read_text() for page in (pages[0], pages[2]))
    assert f"below are of {part.judged.y.size:,} of them, evenly spread" in some
    row = re.compile(r"row (\d+)")
    assert row.findall(some) == row.findall(whole)


def test_progress_counts_the_rows(
    folder: Path, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_MOST_ROWS", 500)
    seen: list[tuple[int, int]] = []
    evaluate_blocks(model, folder, memory=AMPLE, progress=lambda *at: seen.append(at))
    assert seen[-1] == (1500, 1500)
    assert len(seen) >= 3
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_refused(folder: Path, model: Any, tmp_path: Path) -> None:
    def message(table: Any = folder, **options: Any) -> str:
        with pytest.raises(InputError) as error:
            model.evaluate(table, **{"memory": AMPLE} | options)
        return str(error.value)

    frame = rows().filter(pl.col("y").is_not_null())
    assert "groups 'none': expected a column of the table" in message(groups="none")
    assert "groups 'y': expected a column other than the target" in message(groups="y")
    one = message(rows().with_columns(kind=pl.lit("a")).lazy(), groups="kind")
    assert "groups 'kind': expected at least two groups, got only 'a'" in one
    assert "workdir: expected memory beside it" in message(memory=None, workdir=tmp_path)
    assert "expected a folder, a glob, a file" in message(frame)
    assert "expected at least one label" in message(frame.with_columns(y=pl.lit("other")).lazy())
    nothing = frame.with_columns(y=pl.lit(None, pl.String)).lazy()
    assert "got no labels" in message(nothing)
    assert "target 'y': expected a column" in message(frame.drop("y").lazy())
    if model.schema.weight:
        negative = frame.with_columns(pl.when(pl.int_range(pl.len()) == 700).then(-1.0)
                                      .otherwise("ω").alias("ω"))  # fmt: skip
        assert "-1 in row 701" in message(negative.lazy())
        assert "0 in every row" in message(frame.with_columns(ω=0.0).lazy())


def test_the_command(
    folder: Path, model: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "m.safetensors")
    model.save(file)
    command = ["evaluate", file, str(folder), "--format", "json"]
    assert run(command) == 0
    whole = json.loads(capsys.readouterr().out)
    assert run([*command, "--memory", AMPLE, "--workdir", str(tmp_path)]) == 0
    blocks = json.loads(capsys.readouterr().out)
    assert blocks["scores"] == pytest.approx(whole["scores"], rel=1e-11)
    assert blocks["ranking"] == pytest.approx(whole["ranking"], rel=1e-11)
    assert blocks["rows"] == whole["rows"]
    assert run([*command, "--workdir", "."]) == 2
    assert "--workdir: expected --memory beside it" in capsys.readouterr().err
