"""The verdict on one function: what it says, as text and as plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pminusy.diagnosis.report.content import (
    Comparison,
    Content,
    DerivationLine,
    Finding,
    Fragility,
    Property,
)
from pminusy.diagnosis.report.plain import in_plain_text

__all__ = ["Verdict"]


class Verdict(Content):
    """The result of a check; `str` of it is the report."""

    @property
    def ok(self) -> bool:
        """Whether it is correct and nothing breaks it."""
        return self.status == "correct"

    @property
    def mistakes(self) -> tuple[str, ...]:
        """Names of the mistakes and of what makes it fragile."""
        named: list[Finding | Fragility] = [*self.findings, *self.fragilities]
        return tuple(item.id for item in named if item.id)

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {name: _plain(getattr(self, name)) for name in self.__dataclass_fields__}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Verdict:
        """The verdict that `as_dict` wrote."""
        parts = dict(data)
        for name, kind in _PARTS.items():
            parts[name] = tuple(kind(**_tuples(part)) for part in parts[name])
        line = parts["broken_line"]
        parts["broken_line"] = None if line is None else DerivationLine(**_tuples(line))
        parts["smallest"] = tuple(tuple(pair) for pair in parts["smallest"])
        return cls(**_tuples(parts))

    def to_json(self) -> str:
        """The same as JSON."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False)

    def __str__(self) -> str:
        return in_plain_text(self)


_PARTS: Mapping[str, Any] = {
    "findings": Finding,
    "fragilities": Fragility,
    "properties": Property,
    "compared": Comparison,
}


def _tuples(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in parts.items()}


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value
