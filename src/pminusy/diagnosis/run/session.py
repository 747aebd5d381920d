"""A submission that is running: ask it what it defines, run programs on it, end it.

The same questions reach a process in a sandbox and a function of one's own process; what comes back
is numbers, never objects of the submission.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pminusy.diagnosis.run import sandbox
from pminusy.diagnosis.run.inside import calls, inventory
from pminusy.diagnosis.run.inside.wire import ForgedMessage, pack, unpack
from pminusy.diagnosis.run.limits import Limits, TimeLeft

__all__ = [
    "Answer",
    "Inventory",
    "LocalSession",
    "Opaque",
    "ProcessSession",
    "Raised",
    "Session",
    "SessionEnded",
]

Array = NDArray[Any]
Program = dict[str, Any]


_IMPORTS_TORCH = re.compile(rb"\b(?:import|from)\s+torch\b")


class SessionEnded(Exception):
    """The submission's process is gone, or was ended: why, in one clause and in a word."""

    def __init__(self, clause: str, cause: str = "ended") -> None:
        super().__init__(clause)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Opaque:
    """A result that is not numbers: what it was instead, in words."""

    description: str


@dataclass(frozen=True, slots=True)
class Raised:
    """What the submission raised, and on which of its lines."""

    type: str
    message: str
    line: int = 0
    unit: str = ""

    def __str__(self) -> str:
        where = f" (line {self.line}{f' of {self.unit}' if self.unit else ''})" if self.line else ""
        return f"{self.type}: {self.message}{where}" if self.message else f"{self.type}{where}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program returned (`results`), what it changed, or what it raised."""

    results: tuple[Any, ...] = ()
    changed: tuple[int, ...] = ()
    after: tuple[Array, ...] = ()
    raised: Raised | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """Functions found, parts that could not be read, definitions that could not be executed."""

    functions: tuple[Mapping[str, Any], ...]
    unreadable: tuple[Mapping[str, Any], ...] = ()
    faults: tuple[str, ...] = ()
    translated: tuple[str, ...] = ()  # parts in Python 2, and what was written anew in each
    imported: tuple[str, ...] = ()  # functions that come from the submission's other files


class Session(Protocol):
    """A submission that answers."""

    inventory: Inventory

    def run(self, program: Program, arrays: Sequence[Array]) -> Answer:
        """Run a program (see `inside.calls`) on arrays."""

    def close(self) -> None:
        """End it."""


def _answer(message: Mapping[str, Any], arrays: list[Array]) -> Answer:
    """An answer from a message that is not trusted.

    Raises
    ------
    ForgedMessage
        The message is not one that `inside.calls` makes.
    """
    try:
        if not message["ok"]:
            error = message["error"]
            texts = (str(error["type"])[:80], str(error["message"])[:300])
            return Answer(raised=Raised(*texts, int(error["line"]), str(error["unit"])[:80]))
        results = tuple(_decode(tree, arrays) for tree in message["results"])
        changed = tuple(int(i) for i in message["changed"])
        return Answer(results, changed, tuple(arrays[int(i)] for i in message["after"]))
    except (KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
        raise ForgedMessage(f"an answer that is not one ({type(error).__name__})") from None


def _decode(tree: Mapping[str, Any], arrays: list[Array]) -> Any:
    if "array" in tree:
        return arrays[int(tree["array"])]
    if "tuple" in tree:
        return tuple(_decode(part, arrays) for part in tree["tuple"])
    if "dict" in tree:
        return {str(name)[:80]: _decode(part, arrays) for name, part in tree["dict"].items()}
    return None if tree.get("none") else Opaque(str(tree["other"])[:200])


@dataclass
class LocalSession:
    """A function or class of this very process: no sandbox, no time limit."""

    target: Callable[..., Any]
    inventory: Inventory = field(init=False)

    def __post_init__(self) -> None:
        """Look the target over."""
        target, name = self.target, getattr(self.target, "__name__", type(self.target).__name__)
        self._namespace = {name: target}
        if isinstance(target, type):
            methods = [(key, value) for key, value in vars(target).items() if callable(value)]
            entries = [inventory.of_callable(value, name) | {"name": key} for key, value in methods]
            for entry in entries:
                entry["parameters"] = entry["parameters"][1:]  # self
        else:
            entries = [inventory.of_callable(target) | {"name": name}]
        self.inventory = Inventory(tuple(entries))

    def run(self, program: Program, arrays: Sequence[Array]) -> Answer:
        """Run a program here."""
        copies = [np.array(array) for array in arrays]
        return _answer(*calls.perform(self._namespace, program, copies))

    def close(self) -> None:
        """Nothing to end."""


class ProcessSession:
    """A submission in a process of its own.

    Parameters
    ----------
    name, files
        The file to check, and it with any other files of the same submission, by name.
    kind
        Which sandbox ("none" for a limited process without one).
    limits
        Time, memory, processes and file sizes.
    user
        User id to become inside, when started by root.
    image
        Image of a container.
    time_left
        The time it shares with other processes of the submission; `limits.seconds` of its own if
        left out.

    Raises
    ------
    SessionEnded
        It did not even answer what it defines.
    """

    def __init__(
        self,
        name: str,
        files: Mapping[str, bytes],
        kind: sandbox.Kind,
        limits: Limits,
        *,
        user: int = 0,
        image: str = "",
        time_left: TimeLeft | None = None,
    ) -> None:
        self._limits = limits
        self._time_left = TimeLeft(limits.seconds) if time_left is None else time_left
        self._closed = False
        if self._time_left.seconds <= 0:
            raise SessionEnded(
                f"had no time left: its other parts took {limits.seconds:g} s", "time"
            )
        torch = any(_IMPORTS_TORCH.search(source) for source in files.values())
        self._started = sandbox.start(kind, image, torch)
        self._process = self._started.process
        confined = {
            "memory": limits.memory, "seconds": int(limits.seconds) + 1, "file": limits.file,
            "processes": limits.processes if kind == "bubblewrap" else 0,
            "user": user if kind == "bubblewrap" else 0,
        }  # fmt: skip
        first = {"name": name, "files": list(files), "limits": confined}
        contents = [np.frombuffer(source, np.uint8) for source in files.values()]
        try:
            message, _ = self._exchange(pack(first, contents), limits.opening_seconds)
            self.inventory = Inventory(
                tuple(_entry(entry) for entry in message["functions"]),
                tuple(dict(piece) for piece in message["unreadable"]),
                tuple(str(fault)[:300] for fault in message["faults"]),
                tuple(str(said)[:300] for said in message["translated"]),
                tuple(str(name)[:80] for name in message["imported"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self.close()
            raise SessionEnded(f"sent a forged message ({error})") from None
        except BaseException:
            self.close()
            raise

    def run(self, program: Program, arrays: Sequence[Array]) -> Answer:
        """Run a program there; `SessionEnded` if no answer comes."""
        data = pack(program, [np.asarray(array) for array in arrays])
        try:
            return _answer(*self._exchange(data, self._limits.call_seconds))
        except ForgedMessage as error:
            self.close()
            raise SessionEnded(f"sent a forged message: {error}") from None
        except SessionEnded:
            self.close()
            raise

    def close(self) -> None:
        """Kill the process and everything it started."""
        self._closed = True
        self._started.end()

    @property
    def ended(self) -> bool:
        """Whether its process is gone."""
        return self._closed

    def _exchange(self, data: bytes, seconds: float) -> tuple[dict[str, Any], list[Array]]:
        if self._closed:
            raise SessionEnded("was ended before")
        until = time.monotonic() + min(seconds, self._time_left.seconds)
        with self._time_left.running():
            self._write(data, until)
            return unpack(lambda count: self._read(count, until))

    def _write(self, data: bytes, until: float) -> None:
        assert self._process.stdin is not None
        stream, rest = self._process.stdin.fileno(), memoryview(data)
        os.set_blocking(stream, False)
        while rest:
            self._wait([], [stream], until)
            try:
                rest = rest[os.write(stream, rest) :]
            except BrokenPipeError:
                raise SessionEnded(self._how_it_ended()) from None

    def _read(self, count: int, until: float) -> bytes:
        assert self._process.stdout is not None
        stream, parts, missing = self._process.stdout.fileno(), [], count
        while missing:
            self._wait([stream], [], until)
            part = os.read(stream, min(missing, 1 << 20))
            if not part:
                raise SessionEnded(self._how_it_ended())
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _wait(self, reading: list[int], writing: list[int], until: float) -> None:
        left = until - time.monotonic()
        if left <= 0 or not any(select.select(reading, writing, [], left)):
            raise SessionEnded(f"gave no answer within its time limit ({self._allowed()})", "time")

    def _allowed(self) -> str:
        return f"{self._limits.call_seconds:g} s a call, {self._limits.seconds:g} s in all"

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return "closed its connection to the checker"
        if code < 0 or code > 128:
            number = -code if code < 0 else code - 128
            name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
            return f"was ended by the signal {name}"
        return f"ended its own process (exit code {code})"


def _entry(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """An entry of the inventory, its types checked."""
    return {
        "name": str(entry["name"]), "owner": str(entry["owner"]), "line": int(entry["line"]),
        "unit": str(entry["unit"])[:80], "doc": str(entry["doc"]), "empty": bool(entry["empty"]),
        "returns": int(entry["returns"]),
        "globals": tuple(str(name)[:80] for name in entry["globals"]),
        "names": tuple(str(name)[:80] for name in entry["names"]),
        "reads": tuple(str(name)[:80] for name in entry["reads"]),
        "attributes": tuple(str(name)[:80] for name in entry["attributes"]),
        "parameters": tuple(
            {
                "name": str(p["name"]), "optional": bool(p["optional"]),
                "keyword_only": bool(p["keyword_only"]),
                "default": None if p["default"] is None else str(p["default"]),
            }
            for p in entry["parameters"]
        ),
    }  # fmt: skip
