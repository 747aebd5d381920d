"""Frames: what honest processes send comes back, everything else is refused unread."""

# ruff: noqa: E501  # programs and bytes, one line each
import io
import struct

import numpy as np
import pytest

from pminusy.diagnosis.run.inside.calls import perform
from pminusy.diagnosis.run.inside.wire import ForgedMessage, pack, unpack


def reader(data):
    stream = io.BytesIO(data)

    def read(count):
        part = stream.read(count)
        if len(part) < count:
            raise EOFError
        return part

    return read


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.array([1.5, np.nan], np.float32),
        np.zeros((0, 4)),
        np.array(True),
    ],
)
def test_arrays_come_back(array):
    message, (back,) = unpack(reader(pack({"a": [1, None]}, [array])))
    assert message == {"a": [1, None]}
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


FORGED = {
    "endless header": struct.pack("<I", 2**32 - 1),
    "no JSON": struct.pack("<I", 2) + b"{]",
    "no message": struct.pack("<I", 2) + b"[]",
    "deep": struct.pack("<I", 200_000) + b"[" * 200_000,
    "huge array": b'{"message": {}, "arrays": [{"dtype": "<f8", "shape": [99999999]}]}',
    "negative size": b'{"message": {}, "arrays": [{"dtype": "<f8", "shape": [-1]}]}',
    "objects": b'{"message": {}, "arrays": [{"dtype": "|O", "shape": [1]}]}',
    "sum of sizes": b'{"message": {}, "arrays": [' + b",".join([b'{"dtype": "<f8", "shape": [999999]}'] * 3) + b"]}",
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_forged_frames_are_refused(name):
    data = FORGED[name]
    if data.startswith(b"{"):
        data = struct.pack("<I", len(data)) + data
    with pytest.raises(ForgedMessage):
        unpack(reader(data))


def test_a_call_with_tensors_leaves_the_type_of_new_tensors_as_it_was():
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    program = {"steps": [{"call": "doubled", "args": [{"tensor": 0}]}], "return": [[0]]}
    given = {"doubled": lambda t: t + torch.ones(2)}
    answer, _ = perform(given, program, [np.ones(2)])
    assert answer["ok"]
    assert torch.get_default_dtype() == before
