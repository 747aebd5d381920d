"""Features in the units of their table: which column each is of, its mean and its spread."""

from __future__ import annotations

from typing import NamedTuple

from pminusy.tables.schema import DateColumn, NumberColumn, Schema

__all__ = ["FeatureUnits", "feature_units"]


class FeatureUnits(NamedTuple):
    """A feature is (value − mean) / scale of a value in the units of its column.

    Attributes
    ----------
    feature, column
        Their names.
    mean, scale
        0 and 1 for a feature that is 0 or 1, a category say.
    """

    feature: str
    column: str
    mean: float
    scale: float


def feature_units(schema: Schema) -> list[FeatureUnits]:
    """Units of each of the D features, in their order."""
    units = []
    for column in schema.columns:
        moments: list[tuple[float, float]] = []
        if isinstance(column, NumberColumn) and column.varies:
            moments = [(column.mean, column.scale)]
        elif isinstance(column, DateColumn):
            moments = [(part.mean, part.scale) for part in column.parts]
        for j, name in enumerate(column.feature_names):
            mean, scale = moments[j] if j < len(moments) else (0.0, 1.0)
            units.append(FeatureUnits(name, column.name, mean, scale))
    return units
