"""Model files: loaded exactly as saved, deterministic, and nothing hostile gets past the door."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from pminusy.errors import InputError
from pminusy.estimators.model_file import load_model, save_model

TENSORS = {"coef": np.arange(6.0).reshape(2, 3), "intercept": np.array([0.5, -0.5])}
METADATA = {"schema": {"columns": ["é", "\x1b"]}, "C": 1.0, "n": None}


def message(call, *arguments) -> str:
    with pytest.raises(InputError) as error:
        call(*arguments)
    text = str(error.value)
    assert text.isprintable()
    return text


@pytest.fixture
def path(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("m.safetensors")


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False)),
    st.sampled_from([np.float32, np.float64, np.int64]),
    st.lists(st.integers(1, 4), max_size=3),
)
def test_there_and_back(tmp_path_factory, metadata, dtype, shape):
    path = tmp_path_factory.mktemp("m") / "m"
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    save_model(path, {"a": array, "T": array.T}, metadata)
    tensors, back, notes = load_model(path)
    assert notes == ()
    assert back == metadata
    assert tensors["a"].dtype == dtype
    np.testing.assert_array_equal(tensors["a"], array, strict=True)
    np.testing.assert_array_equal(tensors["T"], array.T, strict=True)
    assert tensors["a"].flags.writeable


def test_the_same_model_is_the_same_bytes(path):
    save_model(path, TENSORS, METADATA)
    first = path.read_bytes()
    save_model(path, dict(reversed(TENSORS.items())), METADATA)
    assert path.read_bytes() == first


def test_other_programs_can_read_it(path):
    save_model(path, TENSORS, METADATA)
    np.testing.assert_array_equal(safetensors.numpy.load_file(path)["coef"], TENSORS["coef"])


ELSE = "expected a model made by pminusy, got {}; pminusy fit … -o FILE makes one"
DAMAGED = "; the file is damaged: copy it again, or fit again"


def test_says_what_is_wrong_with_a_path(path):
    assert message(load_model, path) == (
        "model file 'm.safetensors': expected a file that exists, got nothing there; check the name"
    )
    assert message(load_model, ".") == (
        "model file '.': expected a file, got a folder; name the model file in it"
    )
    assert message(load_model, "\0") == (
        r"model file '\x00': expected a file name, got a name with a NUL character"
    )


def framed(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


def with_note(note: object, tensors: dict[str, object] | None = None) -> bytes:
    text = note if isinstance(note, str) else json.dumps(note)
    return framed(json.dumps({"__metadata__": {"pminusy": text}, **(tensors or {})}).encode())


def good(**changes: object) -> dict[str, object]:
    return {"format": "pminusy-model", "version": 1, "model": {}} | changes


OTHERS = f"others: the checksum differs{DAMAGED}"
NO_TENSORS = "a file that is no safetensors file"
TWICE = '{"format": "x", "format": "pminusy-model", "version": 1, "model": {}}'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ELSE.format(NO_TENSORS)),
        (b"\x08", ELSE.format(NO_TENSORS)),
        (b"a,b\n1,2\n3,4\n", ELSE.format(NO_TENSORS)),
        (b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x8c\x02os", ELSE.format(NO_TENSORS)),
        (struct.pack("<Q", 2**63), ELSE.format(NO_TENSORS)),
        (struct.pack("<Q", 96_000_001) + b"{}", ELSE.format(NO_TENSORS)),
        (framed(b"not JSON"), ELSE.format("a header that is not JSON")),
        (framed(b"\xff\xff"), ELSE.format("a header that is not JSON")),
        (framed(b"[" * 100_000), ELSE.format("a header that is not JSON")),
        (framed(b'{"a":' + b"9" * 5000 + b"}"), ELSE.format("a header that is not JSON")),
        (framed(b'{"a": 1, "a": 2}'), ELSE.format("a header that is not JSON")),
        (framed(b"[1]"), ELSE.format("a file of another program")),
        (framed(b'{"__metadata__": 5}'), ELSE.format("a file of another program")),
        (safetensors.numpy.save(TENSORS), ELSE.format("a file of another program")),
        (
            safetensors.numpy.save(TENSORS, {"format": "pt"}),
            ELSE.format("a file of another program"),
        ),
        (with_note([]), ELSE.format("a file of another format")),
        (with_note(good(format="other")), ELSE.format("a file of another format")),
        (
            with_note("[" * 100_000),
            f"expected metadata as JSON, got JSON nested too deeply{DAMAGED}",
        ),
        (with_note("{"), "expected metadata as JSON, got "),
        (with_note(TWICE), f"expected metadata as JSON, got 'a key occurs twice'{DAMAGED}"),
        (
            with_note('{"format": NaN}'),
            f"expected metadata as JSON, got 'NaN is not JSON'{DAMAGED}",
        ),
        (
            with_note(good(version=4)),
            "expected a model file of format 3, got one made by a later version of pminusy; "
            "upgrade pminusy",
        ),
        (with_note(good(version=10**300)), "expected a model file of format 3, got one made by"),
        (with_note(good(version=2)), f"expected the bytes that were written, got {OTHERS}"),
        (with_note(good(sha256="0" * 64)), f"expected the bytes that were written, got {OTHERS}"),
        (with_note(good(sha256=[])), f"expected the bytes that were written, got {OTHERS}"),
        (with_note(good(version="1")), f"expected a version of the format, got str{DAMAGED}"),
        (with_note(good(version=True)), f"expected a version of the format, got bool{DAMAGED}"),
        (with_note(good(version=0)), f"expected a version of the format, got int{DAMAGED}"),
        (with_note(good(model=[])), f"expected an object for the model, got list{DAMAGED}"),
        (
            with_note(good(), {"a": {"dtype": "F64", "shape": [9], "data_offsets": [0, 72]}}),
            "expected arrays that fit the file, got ",
        ),
        (
            with_note(good(), {"a": {"dtype": "F64", "shape": [2**62, 4], "data_offsets": [0, 0]}}),
            "expected arrays that fit the file, got ",
        ),
        (with_note(good(), {"a": 5}), "expected arrays that fit the file, got "),
        (
            with_note(good(), {"a": {"dtype": "F64", "shape": [0], "data_offsets": [0, 0]}}),
            f"expected arrays that hold something, got shape (0,) of 'a'{DAMAGED}",
        ),
    ],
)
def test_refuses_other_and_hostile_files(path, content, expected):
    path.write_bytes(content)
    assert message(load_model, path).startswith(f"model file 'm.safetensors': {expected}")


def test_refuses_a_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", "x")
    assert ELSE.format(NO_TENSORS) in message(load_model, path)


def test_every_truncation_is_refused(path):
    save_model(path, TENSORS, METADATA)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        message(load_model, path)
    path.write_bytes(whole[:100])
    assert message(load_model, path).startswith(
        "model file 'm.safetensors': expected a whole file, got 100 bytes where the header alone"
    )


def _damage(whole, rng):
    """Bytes changed, bits flipped, parts cut out, doubled, swapped or zeroed; never the same."""
    damaged = bytearray(whole)
    first, last = np.sort(rng.integers(0, len(whole) + 1, size=2))
    match rng.integers(6):
        case 0:
            for position in rng.integers(0, len(whole), size=3):
                damaged[position] = rng.integers(256)
        case 1:
            damaged[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        case 2:
            del damaged[first:last]
        case 3:
            damaged[first:first] = damaged[first:last]
        case 4:
            damaged[first:last] = bytes(last - first)
        case _:
            damaged[first:last] = damaged[first:last][::-1]
    return bytes(damaged)


@pytest.mark.parametrize("metadata", [METADATA, {"text": '"sha256":"' + "0" * 64 + '"'}])
def test_no_damage_is_silent(path, metadata):
    save_model(path, TENSORS, metadata)
    whole = path.read_bytes()
    load_model(path)
    rng = np.random.default_rng(0)
    for _ in range(1000):
        damaged = _damage(whole, rng)
        path.write_bytes(damaged)
        if damaged == whole:
            load_model(path)
        else:
            message(load_model, path)


def test_every_flipped_bit_is_seen(path):
    save_model(path, {"a": np.array([0.5])}, {})
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        message(load_model, path)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([np.nan]), "expected finite numbers, got NaN or infinity in 'a'"),
        (np.array([np.inf]), "expected finite numbers, got NaN or infinity in 'a'"),
        (np.ones(2, dtype=np.float16), "expected arrays of float32, float64 or int64, got float16"),
        (np.ones(0), "expected arrays that hold something, got shape (0,) of 'a'"),
    ],
)
def test_the_same_arrays_are_refused_both_ways(path, array, expected):
    assert expected in message(save_model, path, {"a": array}, {})
    assert not path.exists()
    note = {"pminusy": json.dumps(good())}
    path.write_bytes(safetensors.numpy.save({"a": array}, note))
    assert expected in message(load_model, path)


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, np.float32(1)])
def test_metadata_that_is_not_json_is_refused(path, value):
    assert "expected metadata of JSON values" in message(save_model, path, TENSORS, {"v": value})
    assert not path.exists()


def test_a_header_too_large_to_be_read_again_is_not_written(path):
    text = message(save_model, path, TENSORS, {"v": "x" * 96_000_000})
    assert "expected names of columns, categories and classes below 96 MB, got 96 MB" in text
    assert not path.exists()
