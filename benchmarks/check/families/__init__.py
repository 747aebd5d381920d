"""Families of programs: exercises in the styles of books and courses, each with many variants.

`family` is the form, `numeric` says what is right; the others are the families.
"""

from benchmarks.check.families.courses import COURSES
from benchmarks.check.families.criteria import CRITERIA
from benchmarks.check.families.engines import ENGINES
from benchmarks.check.families.layouts import LAYOUTS
from benchmarks.check.families.options import OPTIONS

__all__ = ["FAMILIES"]

FAMILIES = (*CRITERIA, *COURSES, *OPTIONS, *LAYOUTS, *ENGINES)
