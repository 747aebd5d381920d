"""What a fit has to say about its end, in sentences: the list that everything above it passes on.

An estimator keeps these sentences as `warnings_` and raises each once as a Python warning; the
record of a fit, the terminal, the page and the model file take them from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pminusy.training.coordinates import Coordinates

if TYPE_CHECKING:
    from pminusy.training.fitting import Fit
    from pminusy.training.solvers.solution import StoppingCriterion

__all__ = ["SEPARABLE", "cross_validation_warnings", "fit_warnings"]

SEPARABLE = (
    "some rows can be told apart without error, so with C=inf weights grow without end "
    "and the fit stopped on the way: set C to a finite number"
)
_UNLIKE = 1e3  # ratio of the sizes of two columns beyond which their scales are mentioned
_FAR = 1e6  # distance of a column's mean from 0, in spreads, that costs digits


def fit_warnings(
    fit: Fit,
    coordinates: Coordinates,
    criterion: StoppingCriterion,
    *,
    separable: bool = False,
    time_limit: float | None = None,
) -> tuple[str, ...]:
    """Sentences about a fit that did not end at an optimum; none where it did."""
    if separable:
        return (SEPARABLE,)
    if fit.certificate.reached:
        return ()
    certificate, iterations = fit.certificate, fit.log.iterations
    reached = f"a gradient entry of {certificate.optimality:.2g}, above tol={criterion.tol:.2g}"
    if criterion.gap is not None:
        reached = f"a relative gap of {certificate.gap:.2g}, above gap={criterion.gap:.2g}"
    after = f"after {iterations} iteration{'' if iterations == 1 else 's'} with {reached}"
    columns = _about_columns(coordinates)
    if fit.end == "iterations":
        return (f"stopped {after}: raise max_iter or the tolerance{columns}",)
    if fit.end == "time":
        limit = "" if time_limit is None else f" of {time_limit:g} s"
        return (
            f"the time limit{limit} ran out {after}: raise time_limit or the tolerance{columns}",
        )
    if fit.end == "interrupt":
        return (f"interrupted {after}: these are the best parameters so far",)
    return (f"rounding allows no further progress {after}: raise the tolerance{columns}",)


def cross_validation_warnings(
    unfinished: int, separable: int, fits: int, left_out: int = 0
) -> tuple[str, ...]:
    """Sentences about the fits on the folds: how many of them did not end at an optimum."""
    found = []
    if separable:
        found.append(
            f"in cross-validation {separable} of {fits} fits have no optimum: with C=inf some rows "
            "can be told apart without error"
        )
    if unfinished:
        found.append(
            f"in cross-validation {unfinished} of {fits} fits stopped before they converged"
        )
    if left_out:
        found.append(
            f"cross-validation ended early: {left_out} of {fits} fits were left out, and C was "
            "chosen from the others"
        )
    return tuple(found)


def _about_columns(coordinates: Coordinates) -> str:
    """Columns that make a problem hard, where there are some."""
    scale, centre = coordinates.scale, abs(coordinates.centre)
    small, large = int(scale.argmin()), int(scale.argmax())
    text = ""
    if scale[large] > _UNLIKE * scale[small]:
        text += (
            f", or put the features on similar scales (column {small} has "
            f"{scale[small]:.2g}, column {large} has {scale[large]:.2g})"
        )
    far = int((centre / scale).argmax())
    if centre[far] > _FAR * scale[far]:
        text += (
            f", or subtract a constant from column {far} (its mean is "
            f"{coordinates.centre[far]:.2g}, its spread {scale[far]:.2g})"
        )
    return text
