"""Submissions that attack the checker, by name: what they do, and nothing else in common."""

# ruff: noqa: E501  # programs, one line each
from __future__ import annotations

__all__ = ["HOSTILE", "HOSTILE_FILES"]

_GOOD = """
def softmax_loss(z, y):
    s = z - z.max(axis=1, keepdims=True)
    lse = np.log(np.exp(s).sum(axis=1, keepdims=True))
    n = len(y)
    d = np.exp(s - lse)
    d[np.arange(n), y] -= 1
    return -(s - lse)[np.arange(n), y].mean(), d / n
"""
_CALLED = "import numpy as np\nimport os, sys, time\n\ndef softmax_loss(z, y):\n"


def _body(code: str) -> str:
    """A function that attacks and then answers wrongly."""
    lines = [f"    {line}" for line in code.strip().split("\n")]
    return _CALLED + "\n".join(lines) + "\n    return 1.0, z\n"


HOSTILE = {
    "endless loop": _body("while True:\n    pass"),
    "sleeping": _body("time.sleep(1000)"),
    "memory bomb": _body("a = [bytearray(1 << 26) for _ in range(1000)]"),
    "huge array": _body("return np.ones((1 << 17, 1 << 17)), z"),
    "fork bomb": _body("while True:\n    try:\n        os.fork()\n    except OSError:\n        pass"),
    "threads": _body(
        "import threading\nfor _ in range(1000):\n"
        "    threading.Thread(target=time.sleep, args=(1000,)).start()"
    ),
    "gigabyte of output": _body(
        "chunk = 'x' * (1 << 20)\nfor _ in range(1024):\n    sys.stdout.write(chunk)\n    os.write(1, b'y' * 4096)\n    os.write(2, b'y' * 4096)"
    ),
    "exit": _body("os._exit(3)"),
    "system exit": _body("sys.exit(0)"),
    "base exception": _body("class E(BaseException):\n    pass\nraise E('gone')"),
    "keyboard interrupt": _body("raise KeyboardInterrupt"),
    "replaces numpy": _body("np.exp = np.log = lambda *a, **k: 0\nnp.allclose = lambda *a, **k: True\nnp.asarray = lambda *a, **k: 0"),
    "walks frames": _body(
        "frame = sys._getframe()\nseen = {}\nwhile frame:\n    seen.update(frame.f_locals)\n"
        "    frame = frame.f_back\nfor name in ('right', 'truth', 'expected'):\n"
        "    if name in seen:\n        return seen[name]"
    ),
    "walks gc": _body(
        "import gc\nfor o in gc.get_objects():\n    if type(o).__name__ in ('Trace', 'Trial', 'Verdict'):\n        return 0.0, z * 0"
    ),
    "imports the checker": _body(
        "import importlib\nm = importlib.import_module('pminusy')\nreturn m.cross_entropy_grad(z, y)"
    ),
    "lying objects": _body(
        "class L:\n    def __eq__(self, o): return True\n    def __array__(self, *a, **k): return np.zeros(3)\n"
        "    def __float__(self): return 1.0\n    __hash__ = None\nreturn L(), L()"
    ),
    "lying arrays": _body(
        "class A(np.ndarray):\n    def __eq__(self, o): return True\n    def tobytes(self): return b''\n"
        "    @property\n    def dtype(self): raise BaseException('no')\n"
        "return np.zeros(()).view(A), z.view(A)"
    ),
    "another answer each time": _body("return np.random.default_rng().normal(), z"),
    "outlives": _body(
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(1000)\n    os._exit(0)"
    ),
    "daemon thread": _body("import threading\nthreading.Thread(target=lambda: time.sleep(1000), daemon=True).start()"),
    "writes files": _body("open('/tmp/mine', 'w').write('x' * 10)\nopen('/checker/inside/wire.py', 'w').write('')"),
    "fills the disk": _body("for i in range(10000):\n    open(f'/tmp/{i}', 'wb').write(b'x' * (1 << 21))"),
    "deletes files": _body("import shutil\nshutil.rmtree('/', ignore_errors=True)"),
    "reads passwords": _body("return float(len(open('/etc/passwd').read())), z"),
    "reads home": _body("return float(len(os.listdir(os.path.expanduser('~root')))), z"),
    "reads others": _body("return float(len(open('other.py').read())), z"),
    "opens sockets": _body("import socket\nsocket.create_connection(('1.1.1.1', 53), 2)"),
    "listens": _body("import socket\ns = socket.socket()\ns.bind(('0.0.0.0', 8080))\ns.connect(('127.0.0.1', 22))"),
    "signals the parent": _body("import signal\nfor p in (os.getppid(), 1, -1):\n    os.kill(p, signal.SIGKILL)"),
    "forged reply": _body(
        "import struct\nfor fd in range(3, 64):\n    try:\n        os.write(fd, struct.pack('<I', 5) + b'{}{}{')\n    except OSError:\n        pass"
    ),
    "forged size": _body(
        "for fd in range(3, 64):\n    try:\n        os.write(fd, b'\\xff' * 64)\n    except OSError:\n        pass"
    ),
    "forged arrays": _body(
        "import struct, json\nh = json.dumps({'message': {'ok': True, 'results': [{'array': 99}], 'changed': [], 'after': []}, 'arrays': []}).encode()\n"
        "for fd in range(3, 64):\n    try:\n        os.write(fd, struct.pack('<I', len(h)) + h)\n    except OSError:\n        pass"
    ),
    "endless reply": _body(
        "while True:\n    for fd in range(3, 64):\n        try:\n            os.write(fd, b' ' * 65536)\n        except OSError:\n            pass"
    ),
    "recursion": _body("def f():\n    return f()\nf()"),
    "deep recursion": _body("sys.setrecursionlimit(10 ** 9)\ndef f(n):\n    return f(n + 1)\nf(0)"),
    "escape codes": _body("raise ValueError('\\x1b[2J\\x1b]0;owned\\x07 <script>alert(1)</script> \\u202e')"),
    "environment": _body("raise ValueError(repr(sorted(os.environ)))"),
    "mounts": _body("raise ValueError(open('/proc/self/mounts').read()[:3000])"),
    "pickle bomb": _body("class P:\n    def __reduce__(self): return (os.system, ('touch /tmp/pwned',))\nreturn P(), np.array([P()], dtype=object)"),
    "module level": "import os\nos._exit(0)\nwhile True:\n    pass\n" + "import numpy as np\n" + _GOOD,
    "import attack": "import numpy as np\nclass X:\n    import os\n    y = [os for _ in range(3)]\n    while True:\n        pass\n" + _GOOD,
    "deep nesting": "import numpy as np\nx = " + "(" * 5000 + ")" * 5000 + "\n" + _GOOD,
    "long chain": "import numpy as np\nx = " + "-" * 200000 + "1\n" + _GOOD,
}  # fmt: skip


_RIGHT = "import numpy as np\n" + _GOOD
_BAD = "import numpy as np\ndef softmax_loss(z, y):\n    return 1.0, z\n"


def _at_import(code: str) -> str:
    """A module that does something as soon as it is imported: its definitions are executed."""
    lines = "\n".join(f"    {line}" for line in code.strip().split("\n"))
    return f"import os, sys, time\ndef attack(*_):\n{lines}\ndef harmless(a=attack()):\n    pass\n"


# Files of one submission by name, and whether what it is asked for is right all the same; None
# where that depends on how fast the machine is.
HOSTILE_FILES: dict[str, tuple[dict[str, str], bool | None]] = {
    "a package that never ends": (
        {"main.py": "from pkg import harmless\n" + _RIGHT, "pkg/__init__.py": _at_import("while True:\n    pass")}, False),
    "a package that sleeps, asked for by each file": (
        {f"m{i}.py": "from pkg.deep.helper import *\n" + _BAD for i in range(6)}
        | {"pkg/__init__.py": "", "pkg/deep/__init__.py": _at_import("time.sleep(1000)"), "pkg/deep/helper.py": ""}, False),
    "a helper that exits": ({"main.py": "import helper\n" + _RIGHT, "helper.py": _at_import("os._exit(0)")}, False),
    "a helper that raises SystemExit": ({"main.py": "import helper\n" + _RIGHT, "helper.py": _at_import("sys.exit(0)")}, True),
    "a helper that forks": (
        {"main.py": "from helper import harmless\n" + _BAD,
         "helper.py": _at_import("while True:\n    try:\n        os.fork()\n    except OSError:\n        time.sleep(0.01)")}, False),
    "a helper that leaves a child behind": (
        {"main.py": "import helper\n" + _BAD, "helper.py": _at_import("if os.fork() == 0:\n    os.setsid()\n    time.sleep(1000)")}, False),
    "a helper that takes the place of NumPy": (
        {"main.py": "import helper\n" + _RIGHT, "helper.py": _at_import("sys.modules['numpy'] = sys.modules[__name__]")}, False),
    "a helper that empties the modules": (
        {"main.py": "import helper\n" + _BAD, "helper.py": _at_import("sys.modules.clear()\nsys.meta_path.clear()\nsys.path.clear()")}, False),
    "a helper that replaces the messages": (
        {"main.py": "import helper\n" + _BAD,
         "helper.py": _at_import("import inside.wire, inside.calls, inside.serve\n"
                                 "inside.serve.pack = inside.wire.pack = lambda *a: b'\\xff' * 64\n"
                                 "inside.calls.perform = lambda *a: ({'ok': True, 'results': [], 'changed': [], 'after': []}, [])")}, False),
    "a helper whose every name never ends": (
        {"main.py": "from helper import anything\n" + _BAD, "helper.py": "def __getattr__(name):\n    while True:\n        pass\n"}, False),
    "imports out of the folder": (
        {"a/main.py": "from ....secrets import *\nfrom .......etc.passwd import root\nfrom ..other import softmax_loss\n"}, False),
    "files that import each other": (
        {"main.py": "import one\nimport main\n" + _RIGHT, "one.py": "from two import *\nimport main\n", "two.py": "from one import *\n"}, True),
    "a finder of its own": (
        {"main.py": "import helper\nimport anything_at_all\n" + _BAD,
         "helper.py": _at_import("class F:\n    def find_spec(self, *a):\n        while True:\n            pass\nsys.meta_path.insert(0, F())")}, False),
    "names that stand for Python's own": (
        {"main.py": "import os, sys, json, inside, struct\n" + _RIGHT} | {f"{n}.py": _at_import("os._exit(7)") for n in ("os", "sys", "json", "inside", "struct")}, True),
    "a file that is enormous": ({"main.py": "from big import *\n" + _RIGHT, "big.py": "x = [" + "[[]]," * 190_000 + "]\n"}, None),
    "folders within folders": (
        {"main.py": "from " + ".".join("d" * 60) + " import x\n" + _RIGHT, "/".join("d" * 60) + ".py": "x = 1\n"}, True),
}  # fmt: skip
