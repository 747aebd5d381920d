"""Checkpoints of a network: it goes on to the same bits, from wherever it was ended."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from safetensors.numpy import load_file, save_file

from pminusy.errors import InputError
from pminusy.estimators.softmax_network import SoftmaxNetwork
from tests import tiers

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ROOT = Path(__file__).parents[2]
R = np.random.default_rng(0)
X = R.normal(size=(90, 4))
Y = np.digitize(X[:, 0] * X[:, 1], [-0.3, 0.3])
OPTIONS: dict[str, dict[str, Any]] = {
    "adam": {},
    "dropout and batch norm": {"dropout": 0.3, "batch_norm": True},
    "sgd with momentum": {"solver": "sgd", "learning_rate_init": 0.1},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 0.1},
    "inverse scaling": {"solver": "sgd", "learning_rate": "invscaling"},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 3},
    "by loss": {"early_stopping": "loss", "n_iter_no_change": 3, "learning_rate_init": 0.03},
    "averages": {"average_weights": 0.9, "average_gradients": 2, "clip_norm": 0.5},
    "two classes in order": {"shuffle": False},
    "float32": {},
    "sparse": {},
}


def network(**options: Any) -> SoftmaxNetwork:
    shared: dict[str, Any] = {"random_state": 3, "max_iter": 12, "batch_size": 16}
    return SoftmaxNetwork(6, **shared | options)


def stop_after(epoch: int) -> Any:
    def stop(at: Any) -> None:
        if at.number == epoch:
            raise KeyboardInterrupt

    return stop


def assert_same(one: SoftmaxNetwork, other: SoftmaxNetwork) -> None:
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(one, name), getattr(other, name), strict=True):
            np.testing.assert_array_equal(a, b)
    for a, b in zip(one.norms_, other.norms_, strict=True):
        for part, known in zip(a, b, strict=True):
            np.testing.assert_array_equal(part, known)
    for name in (
        "loss_curve_", "validation_scores_", "validation_losses_", "best_loss_", "n_iter_", "t_",
        "best_validation_score_", "end_",
    ):  # fmt: skip
        assert getattr(one, name) == getattr(other, name), name


@pytest.mark.parametrize("name", OPTIONS)
def test_it_goes_on_to_the_same_bits(name, tmp_path):
    options, data, y = OPTIONS[name], X, Y
    if name == "float32":
        data = X.astype(np.float32)
    if name == "sparse":
        data = sp.csr_array(np.where(np.abs(X) > 1, X, 0))
    if name.startswith("two classes"):
        y = (Y > 1).astype(int)
    whole = network(**options).fit(data, y)
    file = tmp_path / "c"
    for epoch in (2, 5, 6):
        net = network(**options, checkpoint=file, progress=stop_after(epoch)).fit(data, y)
        assert net.end_ in ("interrupt", whole.end_)
    assert_same(network(**options, checkpoint=file).fit(data, y), whole)
    assert_same(network(**options, checkpoint=file).fit(data, y), whole)  # it was at its end


def test_it_is_written_when_it_is_due_and_at_the_end(tmp_path):
    file, written = tmp_path / "c", []

    def look(at: Any) -> None:
        written.append(file.exists() and file.stat().st_mtime_ns)

    network(checkpoint=file, progress=look).fit(X, Y)
    assert written == [False] * 11 + [written[-1]]
    assert written[-1]
    written.clear()
    network(checkpoint=file, checkpoint_seconds=0, restart=True, progress=look).fit(X, Y)
    assert len(set(written)) == 12


OTHERS: list[tuple[dict[str, Any], Any, str]] = [
    ({"alpha": 0.5}, X, "alpha is 0.0001 there and 0.5 here"),
    ({"dropout": 0.5, "max_iter": 3}, X, "dropout is 0.0 there and 0.5 here; max_iter is 12 there"),
    ({}, X + 1e-9, "another: other data; name another file, or restart"),
    ({"random_state": 4}, X, "another start; random_state is 3 there and 4 here"),
    ({"hidden_layer_sizes": (6, 2)}, X, "hidden_layer_sizes is [6] there and [6, 2] here"),
    ({"class_weight": {0: 2.0}}, X, "class_weight is None there and {0: 2.0} here"),
]


@pytest.mark.parametrize(("options", "data", "message"), OTHERS, ids=[m for *_, m in OTHERS])
def test_other_data_or_options_are_refused_saying_which(options, data, message, tmp_path):
    file = tmp_path / "c"
    network(checkpoint=file).fit(X, Y)
    before = file.read_bytes()
    with pytest.raises(InputError) as error:
        network(checkpoint=file).set_params(**options).fit(data, Y)
    assert f"checkpoint '{file}': expected one of the same data and options" in str(error.value)
    assert message in str(error.value)
    assert file.read_bytes() == before
    network(checkpoint=file, restart=True).set_params(**options).fit(data, Y)
    assert file.read_bytes() != before


def test_files_that_are_no_checkpoints_are_refused(tmp_path):
    file = tmp_path / "c"
    for content in (b"", b"not ours", b"\x02\0\0\0\0\0\0\0{}", b"\xff" * 100):
        file.write_bytes(content)
        with pytest.raises(InputError, match="expected a checkpoint of pminusy, got another file"):
            network(checkpoint=file).fit(X, Y)
    save_file({"a": np.ones(2)}, file)
    with pytest.raises(InputError, match="expected a checkpoint of pminusy"):
        network(checkpoint=file).fit(X, Y)
    with pytest.raises(InputError, match="expected a folder that exists"):
        network(checkpoint=tmp_path / "no" / "c").fit(X, Y)


def test_damage_and_later_versions_are_seen(tmp_path):
    file = tmp_path / "c"
    network(checkpoint=file).fit(X, Y)
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(InputError, match="expected the bytes that were written, got others"):
        network(checkpoint=file).fit(X, Y)
    file.write_bytes(data[:-20])
    with pytest.raises(InputError, match="expected the bytes that were written"):
        network(checkpoint=file).fit(X, Y)
    file.write_bytes(data.replace(b'version\\": 1', b'version\\": 7'))
    with pytest.raises(InputError, match="expected a checkpoint of version 1, got version 7"):
        network(checkpoint=file).fit(X, Y)
    assert "theta" in load_file(file)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"random_state": None},
            "random_state: expected a whole number beside a checkpoint, got N",
        ),
        ({"solver": "lbfgs"}, "checkpoint: expected None with solver='lbfgs'"),
        ({"checkpoint": 3}, "checkpoint"),
        ({"checkpoint_seconds": -1}, "checkpoint_seconds"),
    ],
)
def test_what_cannot_have_one(options, message, tmp_path):
    with pytest.raises(InputError) as error:
        network(checkpoint=str(tmp_path / "c")).set_params(**options).fit(X, Y)
    assert message in str(error.value)
    with pytest.raises(InputError, match="checkpoint: expected None in partial_fit"):
        network(checkpoint=str(tmp_path / "c")).partial_fit(X, Y, classes=[0, 1, 2])


def test_a_full_disk_leaves_the_last_one(tmp_path, monkeypatch):
    file = tmp_path / "c"
    network(checkpoint=file, progress=stop_after(4)).fit(X, Y)
    before = file.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pminusy.files.os.fsync", full)
    with pytest.raises(InputError, match="No space left on device"):
        network(checkpoint=file, checkpoint_seconds=0).fit(X, Y)
    monkeypatch.undo()
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["c"]
    assert_same(network(checkpoint=file).fit(X, Y), network().fit(X, Y))


def long_fit(checkpoint: str | None) -> SoftmaxNetwork:
    """A fit of some seconds that says each epoch, and writes a checkpoint after it."""
    r = np.random.default_rng(1)
    data = r.normal(size=(1000, 8))
    labels = (data[:, 0] * data[:, 1] > 0).astype(int)
    net = SoftmaxNetwork(
        24, random_state=0, max_iter=40, dropout=0.2, batch_size=50, tol=0, n_iter_no_change=40,
        checkpoint=checkpoint, checkpoint_seconds=0, early_stopping=True,
        progress=lambda at: (sys.stdout.write(f"{at.number}\n"), sys.stdout.flush()),
    )  # fmt: skip
    net.fit(data, labels)
    return net


CHILD = f"import sys; from {__name__} import long_fit; long_fit(sys.argv[1])"


def _assert_killed_is_whole(file: Path, seed: int, kills: int) -> None:
    """Kill fits −9 at random moments after their first epochs, then let one end."""
    moments = random.Random(seed)
    killed = 0
    for _ in range(kills):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(file)], stdout=subprocess.PIPE, cwd=ROOT
        )
        assert child.stdout is not None
        with child.stdout as said:
            alive = said.readline()  # nothing once a checkpoint is that of the end
            if alive:
                time.sleep(moments.uniform(0, 0.3))
                child.send_signal(signal.SIGKILL)
            ended = child.wait()
        assert ended in (0, -signal.SIGKILL)
        killed += ended == -signal.SIGKILL
        if not alive:
            break
    assert killed
    assert_same(long_fit(str(file)), long_fit(None))


def test_killed_once_it_ends_as_if_it_had_not_been(tmp_path):
    _assert_killed_is_whole(tmp_path / "c", 0, 1)


@pytest.mark.parametrize("seed", tiers.slow(range(1, 6), 2))
def test_killed_at_random_moments_it_ends_as_if_it_had_not_been(seed, tmp_path):
    _assert_killed_is_whole(tmp_path / "c", seed, 10)
