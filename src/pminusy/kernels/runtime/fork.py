"""The one place where something is registered to happen after a fork.

A child has one thread, and copies of its parent's locks, which nobody may ever release. So each
module with threads, locks or memory on loan has an object that can be reset, and registers that
here: `threads` (the pool), `blas` (limits that are held), `memory` (what is kept and lent).
"""

from __future__ import annotations

import os
from collections.abc import Callable

__all__ = ["reset_after_fork"]


def reset_after_fork(reset: Callable[[], None]) -> None:
    """Have a function called in every child, before anything else runs there."""
    if hasattr(os, "register_at_fork"):  # not on Windows
        os.register_at_fork(after_in_child=reset)
