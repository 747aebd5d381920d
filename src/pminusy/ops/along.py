"""`axis=` and `where=` of the array functions: classes on any axis, and only some of them.

`where` has the meaning it has in reductions of NumPy: the sums over classes take those that are
True. A class that does not take part has probability 0 and the logit −∞, whatever its number is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pminusy import arguments
from pminusy.core import transform
from pminusy.core.options import Options
from pminusy.core.twofold import Twofold, twofold
from pminusy.errors import InputError
from pminusy.ops.call import Array

__all__ = ["Along"]


class Along:
    """A call with classes on `axis`, of which those in `where` take part.

    `z` are the logits with classes last and −∞ where they do not take part, and `options` those
    that are left to do: a cap would make −∞ finite, so beside `where` it is applied here.
    """

    def __init__(
        self, z: ArrayLike, axis: int, where: ArrayLike | None, options: dict[str, Any]
    ) -> None:
        (self._given,) = arguments.floats(z=z)
        self._axis = arguments.axis_of_classes("z", self._given.ndim, axis)
        self.options = dict(options)
        self.z: Array = np.moveaxis(self._given, self._axis, -1)
        self._u, self._cap = self.z, Options()
        self.takes_part: NDArray[np.bool_] | None = None
        if where is None:
            return
        mask = arguments.mask("where", where, self._given.shape)
        self.takes_part = np.moveaxis(mask, self._axis, -1)
        if self.options.get("label_smoothing"):
            remedy = "give soft targets that are smoothed over the classes that take part"
            smoothing = str(self.options["label_smoothing"])
            raise InputError("label_smoothing", "0 beside where", smoothing, remedy)
        if self.options.get("softcap") is not None:
            names = [name for name in ("softcap", "temperature") if name in self.options]
            self._cap = Options(**{name: self.options.pop(name) for name in names})
            self._u = self.filled(self.z, 0.0)  # what does not take part may be NaN
            self.z = transform.logits(self._u, self._cap)
        self.z = np.where(self.takes_part, self.z, self.z.dtype.type(-np.inf))

    @property
    def capped(self) -> bool:
        """Whether a cap was applied here."""
        return self._cap.softcap is not None

    def targets(self, y: ArrayLike) -> ArrayLike:
        """Targets with classes last; none may be at a class that does not take part."""
        array = arguments.plain_array("y", y)
        ignored = self.options.get("ignore_index", -100)
        if array.shape == self._given.shape:
            array = np.moveaxis(array, self._axis, -1)
            if not hasattr(y, "dtype") and array.dtype.kind == "f":
                array = array.astype(self.z.dtype)
            self._refuse(None if self.takes_part is None else ~self.takes_part & (array != 0))
        elif self.takes_part is not None and array.shape == self.z.shape[:-1]:
            K = self.z.shape[-1]
            if array.dtype.kind in "iu":
                labelled = (array != ignored) & (array >= 0) & (array < K)
                index = np.where(labelled, array, 0)[..., None].astype(np.intp)
                takes_part = np.take_along_axis(self.takes_part, index, -1)[..., 0]
                self._refuse(labelled & ~takes_part)
        return array

    @staticmethod
    def _refuse(bad: NDArray[np.bool_] | None) -> None:
        if bad is not None and bad.any():
            index = ", ".join(str(int(i)) for i in np.unravel_index(int(bad.argmax()), bad.shape))
            remedy = "leave the row out with ignore_index, or let the class take part"
            what = f"y[{index}]" if index else "y"
            raise InputError(what, "a class that takes part (where)", "one that does not", remedy)

    def filled(self, values: Array, number: float) -> Array:
        """The values (..., K), but for a number at classes that do not take part."""
        if self.takes_part is None:
            return values
        return np.where(self.takes_part, values, values.dtype.type(number))

    def direction(self, v: Array) -> Array:
        """A direction, classes last, with respect to the logits in `z`."""
        v = self.filled(np.moveaxis(v, self._axis, -1), 0.0)
        return self._through(twofold(v.astype(np.float64))) if self.capped else v

    def backward(self, dL_dz: Array) -> Array:
        """From a gradient with respect to `z` to that with respect to the logits given."""
        if not self.capped:
            return self.filled(dL_dz, 0.0)
        return self.filled(self._through(twofold(dL_dz.astype(np.float64))), 0.0)

    def curvature(self, Hv: Array, dL_dz: Array, v: Array) -> Array:
        """From H v with respect to `z` to that with respect to the logits given.

        t ⊙ (H_z (t ⊙ v) + dL_dz ⊙ (t′ / t) ⊙ v): see `core.head.cross_entropy_hvp`.
        """
        assert self._cap.softcap is not None
        v = self.filled(np.moveaxis(v, self._axis, -1), 0.0)
        bend = transform.relative_curvature(self._u, self._cap.softcap)
        wide, slope, length = (twofold(each.astype(np.float64)) for each in (Hv, dL_dz, v))
        return self.filled(self._through(wide + slope * bend * length), 0.0)

    def jacobian(self, J: Array) -> Array:
        """From a Jacobian (..., K, K) with respect to `z` to that by the logits given."""
        if self.capped:
            wide = twofold(J.astype(np.float64))
            by_u = transform.backward(wide, self._u[..., None, :], self._cap)
            J = by_u.rounded(self.z.dtype)
        if self.takes_part is None:
            return J
        both = self.takes_part[..., None, :] & self.takes_part[..., :, None]
        return np.where(both, J, J.dtype.type(0.0))

    def _through(self, values: Twofold) -> Array:
        return transform.backward(values, self._u, self._cap).rounded(self.z.dtype)

    def check_output(self, out: Array | None, *inputs: Array) -> None:
        """Refuse an `out` that cannot take a result like the logits given."""
        if out is not None:
            arguments.output(out, self._given, *inputs)

    def delivered(self, result: Array, out: Array | None) -> Array:
        """A result (..., K) with classes where the caller has them."""
        result = np.moveaxis(result, -1, self._axis)
        if out is None:
            return result
        out[...] = result
        return out
