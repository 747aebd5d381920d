"""Tables read block by block that cannot be read, and disks that are full: said in one line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import pminusy as pmy
from pminusy.errors import InputError
from pminusy.tables.streaming.sources import table_blocks

AMPLE = "64GiB"
pytestmark = pytest.mark.filterwarnings("ignore::pminusy.errors.TableWarning")
ZSTANDARD = b"\x28\xb5\x2f\xfd"


def rows(number: int = 900) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=number)
    labels = np.where(x + rng.logistic(size=number) > 0, "hi", "lo")
    return pl.DataFrame({"x": x, "k": rng.choice(list("abc"), number), "y": labels})


def zstandard(data: bytes) -> bytes:
    """Bytes in a frame of raw blocks, which every reader of Zstandard takes (RFC 8878)."""
    blocks = [data[i : i + 65536] for i in range(0, len(data), 65536)]
    out = ZSTANDARD + b"\x80" + b"\x58" + len(data).to_bytes(4, "little")
    for i, block in enumerate(blocks):
        last = i == len(blocks) - 1
        out += (last | len(block) << 3).to_bytes(3, "little") + block
    return out


def message(call: Callable[[], Any]) -> str:
    with pytest.raises(InputError) as error:
        call()
    return str(error.value)


def refused(table: Path, **options: Any) -> str:
    return message(lambda: pmy.fit_table(table, "y", memory=AMPLE, **options))


@pytest.mark.parametrize("separator", [",", ";"])
def test_zstandard(tmp_path: Path, separator: str) -> None:
    packed, plain = tmp_path / "rows.csv.zst", tmp_path / "rows.csv"
    text = rows().write_csv(separator=separator).encode()
    packed.write_bytes(zstandard(text))
    plain.write_bytes(text)
    model = pmy.fit_table(packed, "y", memory=AMPLE)
    np.testing.assert_array_equal(model.W, pmy.fit_table(plain, "y", memory=AMPLE).W)
    whole = model.evaluate(packed).scores.log_loss
    assert model.evaluate(packed, memory=AMPLE).scores.log_loss == pytest.approx(whole, rel=1e-9)
    assert model.predict_blocks(packed, tmp_path / "p.csv", memory=AMPLE) == 900
    packed.write_bytes(zstandard(text)[:-500])
    assert "rows.csv.zst'" in refused(packed)
    packed.write_bytes(text)
    assert "expected a Zstandard file, got something else" in refused(packed)


def test_the_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for i in range(3):
        rows().write_csv(tmp_path / f"part-{i}.csv")
    with (tmp_path / "part-1.csv").open("a") as file:
        file.write("1,2,3,4,5,6\n")
    assert "part-1.csv': expected data that can be read" in refused(tmp_path)


def test_a_header_alone_and_weights_of_0(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("x,k,y\n")
    assert "target 'y': expected a label in some rows, got a table without rows" in refused(path)
    rows().with_columns(w=0).write_csv(path)
    assert "weight 'w': expected at least one weight above 0, got 0 in" in refused(path, weight="w")


def test_the_number_of_rows(tmp_path: Path) -> None:
    model = pmy.fit_table(rows(), "y")
    for name, write in (
        ("a.csv", pl.DataFrame.write_csv),
        ("a.parquet", pl.DataFrame.write_parquet),
    ):
        write(rows(77), tmp_path / name)
        assert table_blocks(tmp_path / name, model.schema.reading).rows() == 77


_LIMITED = """
import resource, signal, sys
from pathlib import Path
import pminusy as pmy
from pminusy.cli.app import run
data, model, out = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
options = ["--memory", "64GiB"]
for command in (
    ["fit", data, "--target", "y", "--workdir", out],
    ["evaluate", model, data, "--workdir", out],
    ["predict", model, data, "-o", f"{out}/p.csv"],
    ["predict", model, data, "-o", f"{out}/p.parquet"],
    ["predict", model, data, "-o", f"{out}/p.feather"],
):
    code = run([*command, *options])
    assert code == 2 and not list(Path(out).iterdir()), command
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the size of files")
def test_a_full_disk_leaves_nothing_and_is_said_in_one_line(tmp_path: Path) -> None:
    """In place of a full disk a limit on files: the same calls of the system fail."""
    data, model, out = tmp_path / "d.parquet", tmp_path / "m.safetensors", tmp_path / "out"
    many = rows(8100)
    many.write_parquet(data)
    pmy.fit_table(many, "y").save(model)
    out.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, data, model, out],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not done.stdout
    said = done.stderr.splitlines()
    assert len(said) == 5
    assert all("workdir" in line and "room for files" in line for line in said[:2])
    assert all("output file" in line and "can be written" in line for line in said[2:])
