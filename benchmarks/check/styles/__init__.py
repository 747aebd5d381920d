"""Correct implementations in many styles, one kind a file."""

from benchmarks.check.styles.conventions import CONVENTIONS
from benchmarks.check.styles.functions import FUNCTIONS
from benchmarks.check.styles.logits import LOGITS
from benchmarks.check.styles.loops import LOOPS
from benchmarks.check.styles.training import TRAINING
from benchmarks.check.styles.vectorised import VECTORISED

__all__ = ["STYLES"]

STYLES = (*VECTORISED, *LOOPS, *LOGITS, *CONVENTIONS, *FUNCTIONS, *TRAINING)
