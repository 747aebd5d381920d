"""Networks of tables that are read block by block."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pminusy as pmy
from pminusy.api.fit import streamed
from pminusy.estimators.network.streamed import RowsOfBlocks
from pminusy.tables.files import read_table
from tests.api.test_streamed_tables import AMPLE, in_files, in_memory, table

NET: dict[str, Any] = {"hidden": (8,), "epochs": 4, "drop": "weight", "learning_rate": 0.01}
pytestmark = pytest.mark.filterwarnings("ignore::pminusy.errors.TableWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return in_files(tmp_path_factory.mktemp("tables") / "data", table(0), ".parquet")


def test_what_memory_holds_is_the_network_of_a_fit_in_memory(folder: Path) -> None:
    model = pmy.fit_table(folder, "y", memory=AMPLE, **NET)
    whole = in_memory(model, read_table(folder), target="y", **NET)
    np.testing.assert_allclose(model.W, whole.W, atol=1e-9)
    assert model.run.network is not None
    np.testing.assert_allclose(model.run.network.losses, whole.run.network.losses, rtol=1e-9)
    assert model.run.beside is not None
    assert model.run.beside.network == pytest.approx(whole.run.beside.network, rel=1e-9)
    assert model.run.beside.regression == pytest.approx(whole.run.beside.regression, rel=1e-5)


def test_what_it_does_not_hold_is_read_in_each_epoch(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed, "FIT", 1e-5)  # 600 kB, less than the rows take
    read = []
    visits = RowsOfBlocks.visits

    def noted(self: Any, *arguments: Any, **named: Any) -> Any:
        read.append(self.shape)
        return visits(self, *arguments, **named)

    monkeypatch.setattr(RowsOfBlocks, "visits", noted)
    options = NET | {"early_stopping": True, "dropout": 0.1, "batch_norm": True, "epochs": 8}
    file = tmp_path / "training"
    model = pmy.fit_table(folder, "y", memory=AMPLE, checkpoint=file, **options)
    assert read
    assert read[0][0] == model.run.training.y.size
    assert model.run.scores.log_loss < model.run.baseline.log_loss
    about = model.run.network
    assert about is not None
    assert about.validation_losses.size == about.epochs <= 8
    assert np.isfinite(about.gradient_norms).all()
    assert about.watched == 1_000
    assert model.run.beside is not None
    model.write_report(tmp_path / "page.html")
    assert "held-out rows: log loss" in (tmp_path / "page.html").read_text()
    model.save(tmp_path / "model.safetensors")
    loaded = pmy.load(tmp_path / "model.safetensors")
    assert loaded.predict(folder).equals(model.predict(folder))
    again = pmy.fit_table(folder, "y", memory=AMPLE, checkpoint=file, **options)
    np.testing.assert_array_equal(again.W, model.W)
