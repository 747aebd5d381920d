"""A pair `*_forward`, `*_backward` of a layer, called as one function of our letters.

Arguments that are settings may come in a dictionary (`bn_param`, `pool_param`, `conv_param`) or by
name. Weights of a linear layer may lie as (D, K) or (K, D).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pminusy.diagnosis.bind.results import Reading
from pminusy.diagnosis.bind.subject import Seen, Subject
from pminusy.diagnosis.catalogue.layers.probes import layer_probes
from pminusy.diagnosis.catalogue.probes import Probe
from pminusy.diagnosis.run.session import Answer, Raised

__all__ = ["LayerSubject", "layer_bindings"]

_GRADIENTS = {
    "linear layer": ("dL_dX", "dL_dW", "dL_db"), "ReLU": ("dL_dX",), "max pool": ("dL_dX",),
    "batch norm": ("dL_dX", "dL_dgamma", "dL_dbeta"), "convolution": ("dL_dX", "dL_dW", "dL_db"),
}  # fmt: skip
_ARGUMENTS = {
    "linear layer": ("X", "W", "b"), "ReLU": ("X",), "max pool": ("X", "settings"),
    "batch norm": ("X", "gamma", "beta", "settings"), "convolution": ("X", "W", "b", "settings"),
}  # fmt: skip
_SETTINGS = {
    r"stride": "stride", r"pad(ding)?": "pad",
    r"(pool_?|kernel_?|window_?)?(size|height|width)|k|f": "size",
    r"eps(ilon)?": "eps", r"momentum": "momentum", r"mode|train(ing)?|is_train\w*": "mode",
    r"running_?mean": "old_mean", r"running_?var\w*": "old_var",
}  # fmt: skip


_SETTING_WORDS = {
    "size": "window size", "old_mean": "running mean before", "old_var": "running variance before",
}  # fmt: skip


def backward_name(name: str, names: Sequence[str]) -> str:
    """The `*_backward` that belongs to a `*_forward`, if it is there."""
    wanted = re.sub(r"forward|fwd", lambda m: {"forward": "backward"}.get(m[0], "bwd"), name)
    if wanted in names:
        return wanted
    stem = re.split(r"backward|bwd", wanted)[0]
    close = [other for other in names if re.match(rf"{re.escape(stem)}(backward|bwd)", other)]
    return close[0] if close else ""


def layer_bindings(subject: Subject) -> Iterator[Subject | Raised]:
    """The ways in which a pair can be called that run."""
    layouts = ("D×K", "K×D") if subject.proposal.exercise == "linear layer" else ("",)
    failures = []
    for layout in layouts:
        bound = LayerSubject(
            subject.session, subject.candidate, subject.proposal, {"W": layout} if layout else {}
        )
        read = bound.read(layer_probes(subject.proposal.exercise)[0])
        if isinstance(read, Raised):
            failures.append(read)
        else:
            yield read
    if len(failures) == len(layouts):
        yield failures[0]


@dataclass(frozen=True)
class LayerSubject(Subject):
    """A layer's forward and backward together; letters are `out` and the gradients."""

    @property
    def given(self) -> tuple[str, ...]:
        """What a gallery of this layer is told."""
        return ("X",)

    @property
    def single(self) -> bool:
        """Layers take batches."""
        return False

    def call(self, inputs: Mapping[str, Any], readonly: bool = False) -> Seen:
        """Forward, then backward with the cache."""
        answer, names = self._run(inputs, readonly)
        if answer.raised is not None:
            return Seen(raised=answer.raised)
        values, shapes = {}, {}
        for reading in self.readings:
            found = _at(answer.results, reading.path)
            if isinstance(found, np.ndarray):
                shapes[reading.letter] = found.shape
                values[reading.letter] = self._laid(reading.letter, found, inputs)
        changed = tuple(names[i] for i in answer.changed if i < len(names))
        return Seen(values, None, changed, shapes)

    def read(self, probe: Probe) -> LayerSubject | Raised:
        """Find the letters in what came back."""
        answer, _ = self._run(probe.inputs)
        if answer.raised is not None:
            return answer.raised
        readings = tuple(self._found(answer, probe.inputs))
        nothing = "" if any(r.letter == "out" for r in readings) else "no output array"
        return LayerSubject(
            self.session, self.candidate, self.proposal, self.layouts, readings, nothing
        )

    def parameter(self, letter: str) -> str:
        """What the learner calls a letter, in the forward pass or for the upstream gradient."""
        functions = self.session.inventory.functions
        if letter == "g":
            name = backward_name(self.candidate.entry["name"], [f["name"] for f in functions])
            found = next((f for f in functions if f["name"] == name), None)
            return str(found["parameters"][0]["name"]) if found and found["parameters"] else "g"
        letters = iter(_ARGUMENTS[self.proposal.exercise])
        for parameter in self.candidate.entry["parameters"]:
            known = _setting(parameter["name"]) or next(letters, "")
            if known == letter:
                return str(parameter["name"])
        return _SETTING_WORDS.get(letter, letter)

    def laid_out(self, letter: str, value: Any, inputs: Mapping[str, Any]) -> Any:
        """Weights as the learner has them."""
        if letter in ("W", "dL_dW") and self.layouts.get("W") == "D×K":
            return value.T
        return value

    def _laid(self, letter: str, found: Any, inputs: Mapping[str, Any]) -> Any:
        value = self.laid_out(letter, found, inputs) if found.ndim == 2 else found
        source = {
            "dL_dX": "X",
            "dL_dW": "W",
            "dL_db": "b",
            "dL_dgamma": "gamma",
            "dL_dbeta": "beta",
        }
        expected = inputs[source[letter]].shape if letter in source else value.shape
        return value.reshape(expected) if value.size == np.prod(expected) else value

    def _run(self, inputs: Mapping[str, Any], readonly: bool = False) -> tuple[Answer, list[str]]:
        names: list[str] = []
        arrays: list[Any] = []

        def argument(letter: str) -> dict[str, Any]:
            value = self.laid_out(letter, inputs[letter], inputs)
            if not isinstance(value, np.ndarray):
                return {"value": value}
            names.append(letter)
            arrays.append(np.ascontiguousarray(value))
            return {"array": len(arrays) - 1}

        steps: list[dict[str, Any]] = []
        returned = self._forward(steps, argument, inputs, training=True)
        functions = [entry["name"] for entry in self.session.inventory.functions]
        backward = backward_name(self.candidate.entry["name"], functions)
        forward = returned[0][0]
        if backward:
            cache = {"result": [forward, 1]}
            steps.append({"call": backward, "args": [argument("g"), cache]})
            returned.append([len(steps) - 1])
        if self.proposal.exercise == "batch norm":
            returned += self._forward(steps, argument, inputs, training=False)[:1]
        program = {"steps": steps, "return": returned, "readonly": readonly}
        return self.session.run(program, arrays), names

    def _forward(
        self, steps: list[dict[str, Any]], argument: Any, inputs: Mapping[str, Any], training: bool
    ) -> list[list[int]]:
        """Steps of one forward call: its result, then the settings' dictionary if there is one."""
        letters = iter(_ARGUMENTS[self.proposal.exercise])
        args, kwargs, kept = [], {}, []
        for parameter in self.candidate.entry["parameters"]:
            setting = _setting(parameter["name"])
            letter = "settings" if setting else next(letters, "settings")
            if letter != "settings":
                args.append(argument(letter))
            elif setting:
                if setting in inputs or setting == "mode":
                    kwargs[parameter["name"]] = _value(setting, argument, inputs, training)
            elif re.search(r"param|config|opts?|cfg|settings", parameter["name"]):
                steps.append({"value": {"dict": self._dictionary(argument, inputs, training)}})
                kept.append([len(steps) - 1])
                args.append({"result": kept[-1]})
        steps.append({"call": self.candidate.entry["name"], "args": args, "kwargs": kwargs})
        return [[len(steps) - 1], *kept]

    def _dictionary(
        self, argument: Any, inputs: Mapping[str, Any], training: bool
    ) -> dict[str, Any]:
        exercise = self.proposal.exercise
        if exercise == "batch norm":
            names = {
                "eps": "eps",
                "momentum": "momentum",
                "running_mean": "old_mean",
                "running_var": "old_var",
            }
            settings = {name: argument(letter) for name, letter in names.items()}
            return settings | {"mode": {"value": "train" if training else "test"}}
        if exercise == "max pool":
            size = {"value": inputs["size"]}
            return {"pool_height": size, "pool_width": size, "stride": {"value": inputs["stride"]}}
        return {"stride": {"value": inputs["stride"]}, "pad": {"value": inputs["pad"]}}

    def _found(self, answer: Answer, inputs: Mapping[str, Any]) -> Iterator[Reading]:
        forward, *rest = answer.results
        out = (0, 0) if isinstance(forward, tuple) else (0,)
        yield Reading("out", out)
        dictionaries = [
            i for i, r in enumerate(answer.results) if isinstance(r, dict) and "mode" in r
        ]
        if dictionaries and self.proposal.exercise == "batch norm":
            for letter in ("running_mean", "running_var"):
                if isinstance(answer.results[dictionaries[0]].get(letter), np.ndarray):
                    yield Reading(letter, (dictionaries[0], letter))
        names = [entry["name"] for entry in self.session.inventory.functions]
        if backward_name(self.candidate.entry["name"], names):
            place = 2 if dictionaries else 1
            place = next(
                (i for i, r in enumerate(answer.results) if i and not isinstance(r, dict)), place
            )
            gradients = answer.results[place]
            letters = _GRADIENTS[self.proposal.exercise]
            if isinstance(gradients, np.ndarray):
                yield Reading(letters[0], (place,))
            elif isinstance(gradients, tuple):
                for i, letter in enumerate(letters[: len(gradients)]):
                    yield Reading(letter, (place, i), self._odd(letter, gradients[i], inputs))
        if self.proposal.exercise == "batch norm":
            last = len(answer.results) - 1
            test = answer.results[last]
            yield Reading("out_test", (last, 0) if isinstance(test, tuple) else (last,))
        del rest

    def _odd(self, letter: str, found: Any, inputs: Mapping[str, Any]) -> str:
        source = {"dL_db": "b", "dL_dgamma": "gamma", "dL_dbeta": "beta"}.get(letter)
        if source is None or not isinstance(found, np.ndarray):
            return ""
        return "" if found.shape == inputs[source].shape else f"shape {found.shape}"


def _setting(name: str) -> str:
    lowered = name.lower()
    return next((s for names, s in _SETTINGS.items() if re.fullmatch(names, lowered)), "")


def _value(
    setting: str, argument: Any, inputs: Mapping[str, Any], training: bool
) -> dict[str, Any]:
    if setting == "mode":
        return {"value": "train" if training else "test"}
    return argument(setting)  # type: ignore[no-any-return]  # a tree of plain values


def _at(results: Any, path: Sequence[Any]) -> Any:
    found = results
    for part in path:
        try:
            found = found[part]
        except (IndexError, KeyError, TypeError):
            return None
    return found
