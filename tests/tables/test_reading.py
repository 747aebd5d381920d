"""How a file is written, where it does not show: options of reading, in Python and commands."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

import pminusy as pmy
from pminusy import InputError
from pminusy.cli.app import run
from pminusy.tables.files import read_table
from pminusy.tables.reading import Reading, reading_of
from pminusy.tables.schema import NumberColumn


@pytest.fixture
def save(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def save(content: str | bytes, name: str = "t.csv") -> str:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    return save


def read(path, **options) -> dict[str, list[object]]:
    return read_table(path, reading=reading_of(**options)).to_dict(as_series=False)


def message(call, *arguments, **options) -> str:
    with pytest.raises(InputError) as error:
        call(*arguments, **options)
    text = str(error.value)
    assert text.isprintable()
    return text


def test_without_a_header(save):
    assert read(save("1,x\n2,y\n"), header=False) == {"column_1": [1, 2], "column_2": ["x", "y"]}
    assert read(save("1,5;x;a\n2,5;y;b\n"), header=False)["column_1"] == [1.5, 2.5]


def test_separator_and_comments(save):
    assert read(save("a:b\n1:2\n"), sep=":") == {"a": [1], "b": [2]}
    assert read(save("% x\na\tb\n% y\n1\t2\n"), comment="%", sep="tab") == {"a": [1], "b": [2]}
    assert "only lines that begin with '%'" in message(read, save("% x\n"), comment="%")


@pytest.mark.parametrize("encoding", ["latin1", "cp1252", "utf-16", "utf-8-sig"])
def test_encodings(save, encoding):
    name = save("Straße,y\nKäfer,1\n".encode(encoding))
    assert read(name, encoding=encoding) == {"Straße": ["Käfer"], "y": [1]}


def test_an_encoding_that_fails_names_the_line(save):
    name = save("a,b\nx,1\ny\x81,2\n".encode("latin1"))
    assert message(read, name, encoding="cp1252") == (
        "table 't.csv': expected cp1252 text, got the byte 81 in line 3, which is none in it; "
        "name another one with --encoding: utf-8, cp1252 and latin1 are the usual ones"
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"sep": "ab"}, "sep: expected one sign, such as ; or tab, got 'ab'"),
        ({"decimal": ";"}, "decimal: expected a point or a comma, got ';'"),
        ({"thousands": ",", "decimal": ","}, "thousands: expected another sign than decimal"),
        ({"thousands": "x"}, "thousands: expected a comma, a point, a blank"),
        ({"encoding": "utf-9"}, "encoding: expected one that Python knows, got 'utf-9'"),
        ({"encoding": "base64"}, "encoding: expected an encoding of text, got 'base64'"),
        ({"comment": " "}, "comment: expected how lines that are comments begin, got ' '"),
        ({"missing": [1]}, "missing: expected cells as text, got int 1"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_options_that_are_none(options, expected):
    assert message(reading_of, **options).startswith(expected)


def _rows(n=60):
    return [(f"{i / 4:.2f}", "abc"[i % 3], "uv"[i % 2]) for i in range(n)]


def _csv(rows):
    return "x,k,y\n" + "".join(",".join(row) + "\n" for row in rows)


def test_decimal_and_thousands(save):
    rows = [(f"{1000 + i}".replace("1", "1.", 1), f"{i},5", "uv"[i % 2]) for i in range(60)]
    name = save("x;z;y\n" + "".join(";".join(row) + "\n" for row in rows))
    as_read = pmy.fit_table(name, target="y")  # 1.000 to 1.059
    as_meant = pmy.fit_table(name, target="y", thousands=".", decimal=",")
    meant, read_ = (
        {c.name: c.median for c in m.schema.columns if isinstance(c, NumberColumn)}
        for m in (as_meant, as_read)
    )
    assert meant["x"] > 1000 > read_["x"]
    assert 20 < meant["z"] < 40
    as_meant.save("m.safetensors")
    assert pmy.load("m.safetensors").predict(name).equals(as_meant.predict(name))


def test_what_is_missing_is_remembered(save):
    rows = [("-1" if i % 10 == 3 else x, k, y) for i, (x, k, y) in enumerate(_rows())]
    name = save(_csv(rows))
    model = pmy.fit_table(name, target="y", missing="-1")
    assert "x is missing" in model.schema.feature_names
    model.save("m.safetensors")
    loaded = pmy.load("m.safetensors")
    assert loaded.schema.reading == Reading(missing=("-1",))
    assert loaded.predict(name).equals(model.predict(name))


def test_marks_that_are_values_too_are_said(save):
    rows = [(str(i % 9 - 4), "abc"[i % 3], "u?"[i % 2]) for i in range(90)]
    notes = pmy.fit_table(
        save(_csv([*rows, ("0", "a", "v")] * 2)), target="y", missing=["-1", "?", "zz"]
    ).run.notes
    assert (
        "'x': 20 cells taken as missing as asked ('-1') lie among its values, from -4 to 4" in notes
    )
    assert (
        "target 'y': '?', taken as missing as asked, is the label of 90 rows, which are left out"
        in notes
    )
    assert "no cell says 'zz', which was to be taken as missing" in notes


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_packed_files(save, suffix):
    content = _csv(_rows()).encode()
    packed = (
        gzip.compress(content) if suffix == ".gz" else pa.compress(content, "zstd", asbytes=True)
    )
    assert read(save(packed, f"t.csv{suffix}")) == read(save(content))
    assert "got something else; name it after what it is" in message(
        read, save(content, f"u.csv{suffix}")
    )


def test_a_packed_file_that_is_cut(save):
    packed = gzip.compress(_csv(_rows(5000)).encode())
    assert "expected a whole gzip file, got only its beginning" in message(
        read, save(packed[: len(packed) // 2], "t.csv.gz")
    )
    damaged = packed[:100] + bytes(100) + packed[200:]
    assert "expected a gzip file, got a damaged one" in message(read, save(damaged, "t.csv.gz"))


def test_json_lines(save):
    name = save('{"a": 1, "b": "x"}\n\n{"b": "y", "a": 2.5, "c": true}\n', "t.jsonl")
    assert read(name) == {"a": [1.0, 2.5], "b": ["x", "y"], "c": [None, True]}
    assert "got '[1]' in line 2" in message(read, save('{"a": 1}\n[1]\n', "t.ndjson"))


@pytest.mark.parametrize("kind", ["csv", "gz", "jsonl", "parquet"])
def test_standard_input(monkeypatch, kind):
    frame = pl.DataFrame({"x": [1.5, 2.5], "k": ["a", "b"]})
    content = io.BytesIO()
    match kind:
        case "jsonl":
            frame.write_ndjson(content)
        case "parquet":
            frame.write_parquet(content)
        case _:
            frame.write_csv(content)
    data = content.getvalue()
    data = gzip.compress(data) if kind == "gz" else data
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert read("-") == frame.to_dict(as_series=False)


def test_standard_input_that_ends_early(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert message(read, "-") == (
        "standard input: expected a table, got nothing: it ended before the first row"
    )


def test_a_pipe_from_fit_to_predictions(save):
    save(_csv(_rows()))
    command = [sys.executable, "-m", "pminusy"]
    with open("t.csv", "rb") as table:
        fit = ["fit", "-", "--target", "y", "-o", "m.safetensors", "--as", "k=category"]
        subprocess.run([*command, *fit], stdin=table, check=True, capture_output=True)
    with open("t.csv", "rb") as table:
        done = subprocess.run(
            [*command, "predict", "m.safetensors", "-", "-o", "-", "--keep-columns", "x,k"],
            stdin=table, check=True, capture_output=True, text=True)  # fmt: skip
    lines = done.stdout.splitlines()
    assert lines[0] == "x,k,prediction,p(u),p(v)"
    assert lines[1].startswith("0.0,a,")
    assert len(lines) == 61


def test_predictions_beside_columns(save):
    name = save(_csv(_rows()))
    model = pmy.fit_table(name, target="y")
    assert model.predict(name, keep_columns="all").columns[:4] == ["x", "k", "y", "prediction"]
    frame = pl.read_csv(name).to_pandas()
    assert list(model.predict(frame, keep_columns=["k"]).columns[:2]) == ["k", "prediction"]
    assert "did you mean 'k'?" in message(model.predict, name, keep_columns="kk")
    again = pl.read_csv(name).with_columns(prediction=pl.lit(1))
    assert "expected other names than those of the predictions, got 'prediction'" in message(
        model.predict, again, keep_columns="prediction"
    )


def test_the_commands_have_the_same_options(save, capsys):
    rows = "".join(f"{x.replace('.', ',')};{k};{y}\n" for x, k, y in _rows())
    save(("# made\n" + rows).encode("utf-16"))
    how = ["--sep", ";", "--decimal", ",", "--encoding", "utf-16", "--comment", "#", "--no-header"]
    fit = ["fit", "t.csv", "--target", "column_3", "-o", "m.safetensors", "--columns-report"]
    assert run([*fit, "--as", "column_2=category", *how]) == 0
    printed = capsys.readouterr().out
    assert "column_2  category" in printed
    assert "columns      3: 1 number, 1 category, 1 target" in printed
    assert run(["evaluate", "m.safetensors", "t.csv"]) == 0  # read as in training
    save(rows, "u.csv")
    assert run(["predict", "m.safetensors", "u.csv", "--encoding", "utf-8", "-o", "p.csv"]) == 0
    assert pl.read_csv("p.csv").height == 60
    assert run(["fit", "t.csv", "--target", "column_3", "--sep", "xy"]) == 2
    assert "sep: expected one sign" in capsys.readouterr().err


def test_groups_are_held_out_whole(save):
    frame = pl.DataFrame(
        {
            "who": [i // 5 for i in range(200)],
            "x": [(i * 37) % 11 / 11 for i in range(200)],
            "y": ["ab"[(i * 37) % 11 > 5] for i in range(200)],
        }
    )
    model = pmy.fit_table(frame, target="y", groups="who", C=[0.1, 1.0], cv=4)
    held, kept = (set(part.frame["who"]) for part in (model.run.held_out, model.run.training))
    assert len(held) == 8
    assert not held & kept
    assert model.schema.feature_names == ("x",)
    assert "expected at least two groups, got only '1'" in message(
        pmy.fit_table, frame.with_columns(who=pl.lit(1)), target="y", groups="who"
    )
    assert "expected at most as many folds as groups" in message(
        pmy.fit_table, frame, target="y", groups="who", cv=40
    )
