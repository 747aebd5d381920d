"""Tables fitted on Dask's workers: what is refused, and the answer of a fit without them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import pminusy as pmy
from pminusy.api.fit import on_workers
from pminusy.errors import InputError
from pminusy.estimators.distributed.workers import active_client


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A folder of two files, with a category, a missing cell and weights."""
    random = np.random.default_rng(0)
    (tmp_path / "table").mkdir()
    for part in range(2):
        size, kind = random.normal(size=900), random.choice(["ash", "birch", "cedar"], 900)
        label = np.where(size + (kind == "ash") + random.normal(size=900) > 0.3, "yes", "no")
        cells = [None if i == 7 else float(x) for i, x in enumerate(size)]
        weight = random.exponential(size=900)
        columns = {"size": cells, "kind": kind, "bought": label, "weight": weight}
        pl.DataFrame(columns).write_parquet(tmp_path / "table" / f"{part}.parquet")
    return tmp_path / "table"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "both": (
        {"scheduler": "tcp://127.0.0.1:1", "dask_workers": 2},
        r"dask workers: expected none beside a scheduler, got 2",
    ),
    "no workers": ({"dask_workers": 0}, r"dask workers: expected a whole number above 0, got 0"),
    "folds": ({"dask_workers": 2, "cv": 3}, r"cv: expected no cross-validation on Dask's workers"),
    "values of C": ({"dask_workers": 2, "C": (1.0, 2.0)}, r"cv: expected no cross-validation"),
    "groups": ({"dask_workers": 2, "groups": "kind"}, r"groups: expected none beside memory"),
    "hidden layers": ({"dask_workers": 2, "hidden": 3}, r"hidden: expected none beside Dask"),
    "no scheduler": (
        {"scheduler": "tcp://127.0.0.1:1"},
        r"scheduler: expected Dask's scheduler at tcp://127.0.0.1:1, got none that answers within",
    ),
    "no address": (
        {"scheduler": "nonsense://127.0.0.1:1"}, r"scheduler: .*got unknown address scheme",
    ),
    "no port": ({"scheduler": "here"}, r"scheduler: expected an address such as tcp:.*got 'here'"),
    "no text": ({"scheduler": 8786}, r"scheduler: expected an address .* got 8786"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what: str, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_workers, "_SECONDS", 0.5)
    options, message = REFUSED[what]
    with pytest.raises(InputError, match=message):
        pmy.fit_table(table, target="bought", **options)
    assert active_client() is None


class Sees:
    """A client of workers, of which one sees what is here, and another may."""

    def __init__(self, *, both: bool) -> None:
        self._both = both

    def run(self, seen: Callable[[], bool], **options: str) -> dict[str, bool]:
        """What each of them sees."""
        return {"tcp://one": seen(), "tcp://two": self._both and seen()}


def test_stored_rows_as_collections_give_the_same_answer(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"target": "bought", "weight": "weight", "workdir": tmp_path}
    expected = pmy.fit_table(table, memory="2GiB", **options)
    monkeypatch.setattr(on_workers, "_client_of", lambda *a: nullcontext(Sees(both=True)))
    found = pmy.fit_table(table, scheduler="tcp://here:8786", **options)
    assert found.run.fit.converged_
    np.testing.assert_allclose(found.run.fit.coef_, expected.run.fit.coef_, atol=1e-6)
    np.testing.assert_allclose(found.run.fit.objective_, expected.run.fit.objective_, rtol=1e-9)
    assert found.run.scores.log_loss == pytest.approx(expected.run.scores.log_loss, rel=1e-5)
    monkeypatch.setattr(on_workers, "_client_of", lambda *a: nullcontext(Sees(both=False)))
    with pytest.raises(InputError, match=r"workdir .* that every worker sees, .* at tcp://two"):
        pmy.fit_table(table, scheduler="tcp://here:8786", **options)


@pytest.mark.slow
def test_a_table_on_workers_of_its_own(table: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"target": "bought", "weight": "weight", "workdir": tmp_path}
    found = pmy.fit_table(table, dask_workers=2, **options)
    expected = pmy.fit_table(table, memory="2GiB", **options)
    np.testing.assert_allclose(found.run.fit.coef_, expected.run.fit.coef_, atol=1e-6)
