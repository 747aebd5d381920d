"""Which of a submission's functions is the exercise, and which letter each of its arguments is.

Names and signatures only propose; which binding is used, its behaviour decides.
"""

from __future__ import annotations

import fnmatch
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pminusy.diagnosis.catalogue.exercise import Layer
from pminusy.diagnosis.catalogue.exercises import EXERCISES

__all__ = [
    "Candidate", "Entry", "Proposal", "backward_name", "backward_of", "best_named", "candidates",
    "constructor_of", "engine_of", "layer_of", "layer_setting", "leans_on", "role_of",
    "what_would_fit",
]  # fmt: skip

Entry = Mapping[str, Any]

_ROLES = {
    "W1": r"w_?1|weights?_?1|theta_?1|w_?h|w_?hidden",
    "b1": r"b_?1|bias_?1|b_?h",
    "W2": r"w_?2|weights?_?2|theta_?2|w_?o|w_?out",
    "b2": r"b_?2|bias_?2|b_?o",
    "a1": r"z_?1|a_?1_?in",
    "h": r"a_?1|h_?1|h",
    "z2": r"z_?2",
    "p2": r"a_?2|p_?2",
    "W": r"w|ws|weights?|weight_?matrix|theta|thetas|param|parameter|coef_?|beta|kernel|w_?mat",
    "b": r"b|bias|biases|intercept|offset",
    "lr": r"lr|learning_?rate|eta|step_?size|rate",
    "batch": r"batch|batch_?size|bs|minibatch_?size|mini_batch_size",
    "cw": r"cw|(class|label|cls)_?w(eigh)?ts?|w(eigh)?ts?_?per_?class|weight_?vector",
    "sw": r"(sample|row|loss)_?(w(eigh)?ts?|mask)|mask|pad_?mask",
    "ignore": r"ignore\w*|pad(ding)?_?(idx|index|value|label|id)|void_?\w*",
    "gamma": r"gamma|focus\w*|focal_?\w*",
    "parameters": r"parameters|params",
    "cache": r"caches?",
    "r": r"r|reg|l(am)?(bda?)?_?|lambd\w*|lam|lam_?\w*|reg\w*|l2\w*|decay|weight_?decay|mu|alpha|c",
    "p": r"p|ps|probs?|probabilit\w+|proba|softmax_?\w*|p_?hat",
    "y": r"y|ys|t|label\w*|target\w*|y_?true|y_?batch|gt|ground_?truth|class(es)?|index|true\w*|"
    r"one_?hot\w*|y_?one_?hot|y_?enc|y_?train|lbl\w*|correct\w*|actual\w*|y_?label\w*",
    "z": r"z|zs|logits?|scores?|o|a|f|preds?|predictions?|y_?pred|y_?hat|yhat|out|outputs?|"
    r"inp|activations?|z_?pred|h_?pred",
    "X": r"x|xs|data|inputs?|features?|images?|x_?batch|x_?train|feats?|samples?",
}
_LOSS = re.compile(
    r"loss|(?<![a-z])cross|xent|entropy|nll|cost|objective|likelihood|(?<![a-z])ce(?![a-z])|"
    r"softmax_with"
)
_EXAMPLES = (
    "softmax_loss_vectorized(W, X, y, reg)", "softmax_loss(x, y)", "softmax(z)",
    "cross_entropy_loss(probs, target)", "softmax_regression_epoch(X, y, theta, lr, batch)",
    "TwoLayerNet.loss(X, y, reg)", "a pair relu_forward(x), relu_backward(dout, cache)",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Proposal:
    """An exercise, and a letter (or None: leave its default) for each parameter."""

    exercise: str
    roles: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A function that may be the exercise, with what its signature allows it to be, best first."""

    entry: Entry
    proposals: tuple[Proposal, ...]
    score: int
    named: bool = True  # whether names propose them, not positions alone
    further: tuple[Proposal, ...] = ()  # every other reading of as many arguments

    @property
    def said(self) -> bool:
        """Whether names say which exercise it is: the arguments', or its own."""
        return self.named or re.search(r"softmax|entropy|xent|nll", self.name.lower()) is not None

    @property
    def name(self) -> str:
        """`function`, or `Class.method`."""
        owner, name = self.entry["owner"], self.entry["name"]
        return f"{owner}.{name}" if owner else str(name)


def candidates(functions: Sequence[Entry], wanted: str = "") -> list[Candidate]:
    """Functions that fit an exercise, best first; with `wanted`, those of these names or patterns.

    Names and patterns are separated by commas.
    """
    patterns = [pattern.strip() for pattern in wanted.split(",") if pattern.strip()]
    found = []
    for entry in functions:
        candidate = _candidate(entry, functions, asked_for=bool(patterns))
        matches = not patterns or any(
            fnmatch.fnmatchcase(name, pattern)
            for name in (candidate.name, entry["name"])
            for pattern in patterns
        )
        if matches and candidate.proposals:
            found.append(candidate)
    return found if patterns else _leading(found)


def _leading(found: Sequence[Candidate]) -> list[Candidate]:
    """Those that no other one calls: all whose names say an exercise, else the best alone."""
    called = {n for c in found for n in _calls(c.entry) if n != c.entry["name"]}
    leading = [c for c in found if c.entry["name"] not in called] or list(found)
    leading.sort(key=lambda candidate: -candidate.score)
    best = leading[0].score if leading else 0
    return [c for c in leading if c.score == best or c.score > _HINTED]


def best_named(found: Sequence[Candidate]) -> list[Candidate]:
    """Those whose names say the most."""
    best = max((candidate.score for candidate in found), default=0)
    return [candidate for candidate in found if candidate.score == best]


def _calls(entry: Entry) -> set[str]:
    """Names that a function may call: its own, and attributes of `self`."""
    return {*entry["reads"], *(entry["attributes"] if entry["owner"] else ())}


def backward_of(entry: Entry, functions: Sequence[Entry]) -> Entry | None:
    """The `backward` beside a method `forward`."""
    if not entry["owner"] or entry["name"] not in ("forward", "__call__"):
        return None
    owned = (f for f in functions if f["owner"] == entry["owner"] and f["name"] == "backward")
    return next(owned, None)


def constructor_of(entry: Entry, functions: Sequence[Entry]) -> Entry | None:
    """The `__init__` of a method's class, if it has one of its own."""
    owned = (f for f in functions if f["owner"] == entry["owner"] and f["name"] == "__init__")
    return next(owned, None)


_OF_ENGINE = ("__add__", "__mul__", "backward")


def engine_of(functions: Sequence[Entry]) -> str:
    """The class of a file whose objects are numbers that keep their derivatives, if any."""
    for owner in dict.fromkeys(f["owner"] for f in functions if f["owner"]):
        if {*_OF_ENGINE} <= {f["name"] for f in functions if f["owner"] == owner}:
            return str(owner)
    return ""


_LAYER_SETTINGS = {
    r"stride": "stride", r"pad(ding)?": "pad",
    r"(pool_?|kernel_?|window_?)?(size|height|width)|k|f": "size",
    r"eps(ilon)?": "eps", r"momentum": "momentum", r"mode|train(ing)?|is_train\w*": "mode",
    r"running_?mean": "old_mean", r"running_?var\w*": "old_var",
}  # fmt: skip


def layer_of(name: str) -> str:
    """The layer whose `*_forward` a function is by its name, or nothing."""
    match = re.fullmatch(r"_?(?P<layer>[a-z0-9_]+?)_(forward|fwd)(_\w+)?", name.lower())
    if match is None:
        return ""
    if match["layer"] == "dropout":
        return "dropout"
    layers = (exercise for exercise in EXERCISES.values() if isinstance(exercise, Layer))
    return next((x.name for x in layers if re.fullmatch(x.functions, match["layer"])), "")


def backward_name(name: str, names: Iterable[str]) -> str:
    """The `*_backward` that belongs to a `*_forward`, if it is there."""
    wanted = re.sub(r"forward|fwd", lambda m: {"forward": "backward"}.get(m[0], "bwd"), name)
    if wanted in names:
        return wanted
    stem = re.escape(re.split(r"backward|bwd", wanted)[0])
    return next((other for other in names if re.match(rf"{stem}(backward|bwd)", other)), "")


def layer_setting(name: str) -> str:
    """The setting of a layer that an argument is by its name, or nothing."""
    lowered = name.lower()
    settings = (s for names, s in _LAYER_SETTINGS.items() if re.fullmatch(names, lowered))
    return next(settings, "")


def _candidate(entry: Entry, functions: Sequence[Entry], asked_for: bool) -> Candidate:
    parameters = [_with_use(p, entry["names"]) for p in entry["parameters"]]
    name = str(entry["name"]).lower()
    loss_like = _LOSS.search(name) is not None
    roles = [_option(p, loss_like) or role_of(p["name"]) for p in parameters]
    if name in ("forward", "__call__") and entry["owner"]:
        name = str(entry["owner"]).lower()
    layer = "" if entry["owner"] else layer_of(name)
    if layer:
        return Candidate(entry, (Proposal(layer, ()),), 4)
    backward = backward_of(entry, functions)
    proposals = [
        proposal
        for one in _with_dictionary(_with_rate(roles), parameters)
        for proposal in _proposals(name, one, parameters, entry, backward)
    ]
    named = bool(proposals)
    further = tuple(_by_position(name, roles, parameters)) if named and not entry["owner"] else ()
    if not proposals and (asked_for or _LOSS.search(name) or "softmax" in name):
        proposals = list(_by_position(name, roles, parameters))
    unique = tuple(dict.fromkeys(proposals))
    return Candidate(entry, unique, _score(name, unique), named, further)


_SHORTEST_WORD = 3


def _with_use(parameter: Mapping[str, Any], names: Sequence[str]) -> Mapping[str, Any]:
    """A parameter; optional if its name is a word of no quantity and is nowhere read.

    One letter that is never read may be the strength that was forgotten.
    """
    name = str(parameter["name"])
    word = len(name) >= _SHORTEST_WORD and not role_of(name)
    unused = bool(names) and name not in names and word
    return {**parameter, "optional": parameter["optional"] or unused}


_HINTED = 10


def _score(name: str, proposals: Sequence[Proposal]) -> int:
    if not proposals:
        return 0
    rank = {
        "network_epoch": 9,
        "network": 8,
        "network_backward": 8,
        "network probabilities": 8,
        "epoch": 7,
        "linear": 6,
        "logits": 5,
    }
    rank |= {"weighted logits": 5, "class probabilities": 3, "probabilities and parameters": 5}
    rank |= {"softmax and labels": 3}
    rank |= {"probabilities": 4, "softmax": 3, "log_softmax": 3, "softmax layer": 3, "ridge": 2}
    words = ("softmax", "epoch", "grad", "back")
    hinted = bool(_LOSS.search(name)) or any(word in name for word in words)
    return rank.get(proposals[0].exercise, 1) + _HINTED * hinted


def role_of(name: str) -> str:
    """The letter an argument is by its name, or nothing."""
    lowered = name.lower().strip("_")
    return next((role for role, names in _ROLES.items() if re.fullmatch(names, lowered)), "")


def _option(parameter: Mapping[str, Any], loss_like: bool) -> str:
    """`T` or `eps` for a temperature or a label smoothing; T may mean the targets, eps a guard."""
    name, default = str(parameter["name"]), _number(parameter["default"])
    lowered = name.lower().strip("_")
    if re.fullmatch(r"temp\w*", lowered):
        return "T"
    if re.fullmatch(r"t|tau", lowered) and (default is not None or not loss_like):
        return "T"
    if re.fullmatch(r"(label_?)?smooth\w*|ls", lowered):
        return "eps"
    spread = default is not None and (default == 0 or default >= 0.005)
    return "eps" if loss_like and spread and re.fullmatch(r"eps\w*", lowered) else ""


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


_PLAIN = {"h": "z", "p2": "z"}  # of no two-layer network


def _proposals(
    name: str,
    roles: Sequence[str],
    parameters: Sequence[Any],
    entry: Entry,
    backward: Entry | None,
) -> Iterator[Proposal]:
    has = set(roles)
    if "back" in name and ({"h", "p2", "W2", "X", "y"} <= has or {"parameters", "X", "y"} <= has):
        renamed = {"W2": "W", "b2": "b", "X": "X0", "p2": "p", "z2": "z"}
        yield from _bind("network_backward", [renamed.get(r, r) for r in roles], parameters)
        return
    roles = [_PLAIN.get(role, role) for role in roles]
    has = set(roles)
    loss_like = _LOSS.search(name) is not None
    if "parameters" in has:
        yield from _of_dictionary(name, roles, parameters, loss_like)
    elif {"W1", "W2"} <= has and "y" in has:
        exercise = "network_epoch" if {"lr", "batch"} <= has or "epoch" in name else "network"
        renamed = {"W2": "W", "b2": "b", "X": "X0"}
        yield from _bind(exercise, [renamed.get(r, r) for r in roles], parameters)
    elif {"X", "y", "W"} <= has and ("lr" in has or "epoch" in name):
        yield from _bind("epoch", _as(roles, {"r": "lr"} if "lr" not in has else {}), parameters)
    elif {"z", "y"} <= has and has & {*_ROW_WEIGHTS, "W"} and "X" not in has and loss_like:
        yield from _bind("weighted logits", _as(roles, {"W": "cw", "r": "balance"}), parameters)
        yield from _scores_and_labels(name, roles, parameters, backward)
    elif {"X", "W"} <= has and has & {"y", "z"}:
        yield from _bind("linear", _as(roles, {} if "y" in has else {"z": "y"}), parameters)
    elif {"X", "y"} <= has and has & {*_ROW_WEIGHTS} and loss_like:
        yield from _bind("weighted logits", _as(roles, {"X": "z", "r": "balance"}), parameters)
        yield from _scores_and_labels(name, roles, parameters, backward)
    elif {"X", "W"} <= has and re.search(r"softmax|prob", name):
        yield from _bind("class probabilities", roles, parameters)
    elif entry["owner"] and {"X", "y"} <= has and name in ("loss", "cost", "compute_loss"):
        yield from _bind("network", _as(roles, {"X": "X0"}), parameters)
        yield from _bind("linear", roles, parameters)
    elif entry["owner"] and {"X", "y"} <= has and _holds_weights(entry):
        yield from _bind("linear", roles, parameters)
        yield from _scores_and_labels(name, roles, parameters, backward)
    elif "W" in has and "r" in has and not has & {"X", "y", "z"}:
        yield from _bind("ridge", roles, parameters)
    elif (
        "y" in has and has & {"z", "p", "X"} and (loss_like or "softmax" in name or "grad" in name)
    ):
        yield from _scores_and_labels(name, roles, parameters, backward)
    elif loss_like and roles.count("z") == 2:  # cross_entropy(y_hat, y) under other names
        yield from _by_position(name, roles, parameters)
    elif "softmax" in name and not loss_like and _takes_scores_alone(roles, parameters):
        log = "log_softmax" if "log" in name else "softmax"
        rest = [role if role == "T" else None for role in roles[1:]]
        needed = [role_of(p["name"]) for p in _required(backward["parameters"])] if backward else []
        if log == "softmax" and "y" in needed:
            yield Proposal("softmax and labels", ("z", *rest))
            return
        elif log == "softmax" and len([role for role in needed if role != "cache"]) == 1:
            log = "softmax layer"
        yield Proposal(log, ("z", *rest))


_ROW_WEIGHTS = ("cw", "sw", "ignore", "gamma")


def _holds_weights(entry: Entry) -> bool:
    """Whether a method reads weights of its object."""
    return bool({"W", "['W1']", "['W']", "weights", "theta"} & {*entry["attributes"]})


def _of_dictionary(
    name: str, roles: Sequence[str], parameters: Sequence[Any], loss_like: bool
) -> Iterator[Proposal]:
    """A forward pass or a cost that takes its parameters in a dictionary."""
    has = set(roles)
    if loss_like and "y" in has and not has & {"X", "W"}:
        letters = [role or "p" for role in _as(roles, {"z": "p"})]
        yield from _bind("probabilities and parameters", letters, parameters)
        yield from _bind("probabilities and weights", letters, parameters)
    elif {"X", "y"} <= has and loss_like:
        yield from _bind("network", _as(roles, {"X": "X0"}), parameters)
    elif "X" in has and "y" not in has and "forward" in name:
        yield from _bind("network probabilities", _as(roles, {"X": "X0"}), parameters)


def _scores_and_labels(
    name: str, roles: Sequence[str], parameters: Sequence[Any], backward: Entry | None
) -> Iterator[Proposal]:
    scores = next(role for role in ("z", "p", "X") if role in roles)
    as_logits = _as(roles, {scores: "z"})
    as_probabilities = _as(roles, {scores: "p"})
    after_softmax = scores == "p" or (
        scores == "z" and "softmax" not in name and "logit" not in name
    )
    order = [("logits", as_logits), ("probabilities", as_probabilities)]
    if scores == "p":
        order.reverse()
    if not after_softmax:
        order = order[:1]
    if after_softmax and (backward is None or backward["parameters"]):
        order.append(("probabilities to scores", as_probabilities))
    for exercise, letters in order:
        yield from _bind(exercise, letters, parameters)


def _with_rate(roles: Sequence[str]) -> list[str]:
    """Where two arguments may be a strength, the first is the rate of learning (alpha, lambda)."""
    two = roles.count("r") == 2 and "lr" not in roles
    first = roles.index("r") if two else -1
    return ["lr" if i == first else role for i, role in enumerate(roles)]


def _with_dictionary(roles: Sequence[str], parameters: Sequence[Any]) -> Iterator[list[str]]:
    """`parameters` is a dictionary where something else of a network is there, else the weights."""
    named = {"parameters": "W"}
    if "parameters" in roles:
        yield list(roles)
    yield _as(roles, named)


def _as(roles: Sequence[str], renamed: Mapping[str, str]) -> list[str]:
    return [renamed.get(role, role) for role in roles]


_LETTERS = {
    "linear": {"X", "W", "b", "y", "r", "T", "eps"}, "logits": {"z", "y", "T", "eps"},
    "weighted logits": {"z", "y", "cw", "sw", "ignore", "gamma", "balance", "T"},
    "class probabilities": {"X", "W", "b", "T"},
    "probabilities and parameters": {"p", "y", "parameters", "r"},
    "probabilities and weights": {"p", "y", "parameters", "r"},
    "network probabilities": {"X0", "parameters"}, "probabilities to scores": {"p", "y"},
    "probabilities": {"p", "y", "eps"}, "softmax": {"z", "T"}, "log_softmax": {"z", "T"},
    "network": {"X0", "W1", "b1", "W", "b", "y", "r", "parameters"},
    "network_backward": {
        "X0", "W1", "b1", "W", "b", "y", "a1", "h", "z", "p", "parameters", "cache",
    },
    "ridge": {"W", "r"}, "epoch": {"X", "y", "W", "lr", "batch", "r", "T"},
    "network_epoch": {"X0", "y", "W1", "W", "lr", "batch"},
}  # fmt: skip


def _bind(exercise: str, roles: Sequence[str], parameters: Sequence[Any]) -> Iterator[Proposal]:
    """Proposals in which every required parameter has a letter of the exercise, each once.

    A single required parameter of a classifier whose name says nothing may be any letter that is
    left, the strength of a regulariser first: behaviour will tell.
    """
    letters: list[str | None] = []
    unknown = []
    for i, (role, parameter) in enumerate(zip(roles, parameters, strict=True)):
        known = role in _LETTERS[exercise] and role not in letters
        if not known and not parameter["optional"]:
            unknown.append(i)
        letters.append(role if known else None)
    if not unknown:
        yield Proposal(exercise, tuple(letters))
    elif len(unknown) == 1 and exercise == "linear":
        for letter in (x for x in ("r", "b", "T", "eps") if x not in letters):
            yield Proposal(exercise, (*letters[: unknown[0]], letter, *letters[unknown[0] + 1 :]))


def _takes_scores_alone(roles: Sequence[str], parameters: Sequence[Any]) -> bool:
    needed = [role for role, p in zip(roles, parameters, strict=True) if not p["optional"]]
    return len(needed) == 1 + needed[1:].count("T")


def _required(parameters: Sequence[Any]) -> list[Any]:
    return [p for p in parameters if not p["optional"]]


_POSITIONS = {
    1: ("softmax", ("z",)),
    2: ("logits", ("z", "y")),
    3: ("linear", ("X", "W", "y")),
    4: ("linear", ("X", "W", "y", "r")),
    5: ("linear", ("X", "W", "b", "y", "r")),
}


def _by_position(name: str, roles: Sequence[str], parameters: Sequence[Any]) -> Iterator[Proposal]:
    """Every order of the letters, where names say nothing: behaviour will tell."""
    required = [role_of(p["name"]) for p in _required(parameters)]
    if len(required) not in _POSITIONS:
        return
    exercise, letters = _POSITIONS[len(required)]
    if exercise == "softmax" and "log" in name:
        exercise = "log_softmax"
    orders = sorted(
        itertools.permutations(letters),
        key=lambda order: -sum(a == b for a, b in zip(order, required, strict=True)),
    )
    for order in orders[:24]:
        yield _in_order(exercise, order, roles, parameters)
    if exercise == "logits":
        for order in (("p", "y"), ("y", "p")):
            yield _in_order("probabilities", order, roles, parameters)


def _in_order(
    exercise: str, order: Sequence[str], roles: Sequence[str], parameters: Sequence[Any]
) -> Proposal:
    """Required parameters in an order; optional ones are what their names say.

    An option left at its default would go unexercised, and a function that ignores it would seem
    right.
    """
    waiting = iter(order)
    letters: list[str | None] = []
    for role, parameter in zip(roles, parameters, strict=True):
        known = role in _LETTERS[exercise] and role not in (*order, *letters)
        letters.append((role if known else None) if parameter["optional"] else next(waiting))
    return Proposal(exercise, tuple(letters))


def what_would_fit() -> str:
    """Signatures that are found without being named."""
    return ", ".join(_EXAMPLES)


_LEANED_ON = {
    "log_softmax": "scipy.special.log_softmax or torch's", "logsumexp": "scipy.special.logsumexp",
    "softmax": "a library's softmax", "cross_entropy": "torch.nn.functional.cross_entropy",
    "CrossEntropyLoss": "torch.nn.CrossEntropyLoss", "nll_loss": "torch.nn.functional.nll_loss",
    "autograd": "automatic differentiation", "backward": "automatic differentiation",
    "grad": "automatic differentiation", "value_and_grad": "automatic differentiation",
    "log_loss": "sklearn.metrics.log_loss", "SoftmaxRegression": "an estimator",
}  # fmt: skip


def leans_on(
    entry: Entry, functions: Sequence[Entry], imported: Iterable[str] = ()
) -> tuple[str, ...]:
    """Names of such functions among what a function reads, the submission's own excepted.

    `imported` are functions of the submission's other files.
    """
    own = {f["name"] for f in functions if not f["owner"]}
    methods = {f["name"] for f in functions if f["owner"]}
    used = ({*entry["reads"]} - own) | ({*entry["attributes"]} - methods)
    used -= {*imported}
    return tuple(f"{name} ({what})" for name, what in _LEANED_ON.items() if name in used)
