"""Our estimators among those that skl2onnx converts, alone or at the end of a Pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from onnx import TensorProto, numpy_helper

from pminusy.estimators.softmax_regression import SoftmaxRegression
from pminusy.estimators.softmax_regression_cv import SoftmaxRegressionCV
from pminusy.exchange.head import give_linear_head, label_array
from pminusy.exchange.linear import every_class
from pminusy.extras import needing_extra

__all__ = ["register_with_skl2onnx"]

_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "output_class_labels": [False, True],
    "nocl": [True, False],
}


def register_with_skl2onnx() -> None:
    """Let skl2onnx convert `SoftmaxRegression` and `SoftmaxRegressionCV`, in a Pipeline too.

    Probabilities are the head of this package in float64, in and out as the pipeline has them.
    Call it once; again does no harm. Options: `zipmap`, `output_class_labels`, `nocl`.

    Returns
    -------
    None
        Both are known to `skl2onnx.to_onnx` from then on.

    Raises
    ------
    InputError
        skl2onnx is not installed.

    Examples
    --------
    >>> from skl2onnx import to_onnx
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> import numpy as np, pminusy as pmy
    >>> X = np.array([[0.0], [1.0], [3.0]])
    >>> pipeline = make_pipeline(StandardScaler(), pmy.SoftmaxRegression()).fit(X, [0, 1, 1])
    >>> pmy.register_with_skl2onnx()
    >>> model = to_onnx(pipeline, X[:1], options={"zipmap": False})

    References
    ----------
    skl2onnx, `update_registered_converter`.
    """
    with needing_extra():
        from skl2onnx import update_registered_converter
        from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

    for estimator in (SoftmaxRegression, SoftmaxRegressionCV):
        update_registered_converter(
            estimator,
            f"Pminusy{estimator.__name__}",
            calculate_linear_classifier_output_shapes,
            _convert,
            options=_OPTIONS,
        )


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Nodes of one fitted estimator, between the variables that skl2onnx has for it."""
    estimator = operator.raw_operator
    label, probabilities = (variable.full_name for variable in operator.outputs)
    nodes = _Nodes(scope, container, {"label": label, "probabilities": probabilities})
    nodes.number = operator.outputs[1].type.to_onnx_type().tensor_type.elem_type
    W, b = every_class(estimator.coef_, estimator.intercept_)
    X = nodes.as_float64(operator.inputs[0].full_name)
    indices = container.get_options(estimator, {"nocl": False})["nocl"]
    labels = np.arange(len(W)) if indices else label_array(estimator.classes_)
    give_linear_head(nodes, X, W, b, labels)


class _Nodes:
    """What `exchange.graph.Graph` does, in a container of skl2onnx."""

    number: int = TensorProto.FLOAT

    def __init__(self, scope: Any, container: Any, outputs: dict[str, str]) -> None:
        self._scope, self._container, self._outputs = scope, container, outputs

    def constant(self, value: ArrayLike) -> str:
        """Name of an array that is part of the model."""
        name: str = self._scope.get_unique_variable_name("constant")
        array = np.asarray(value)
        if array.dtype.kind == "U":
            cells = array.ravel().tolist()
            self._container.add_initializer(name, TensorProto.STRING, array.shape, cells)
        else:
            tensor = numpy_helper.from_array(array)
            self._container.add_initializer(name, tensor.data_type, array.shape, tensor)
        return name

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Name of what a node makes of values."""
        result: str = self._scope.get_unique_variable_name(op.lower())
        self._put(op, inputs, result, domain, attributes)
        return result

    def as_float64(self, value: str) -> str:
        """The same numbers as float64."""
        return self.add("Cast", value, to=TensorProto.DOUBLE)

    def give(self, name: str, value: str, kind: int, columns: int | None = None) -> None:
        """Put a value where the pipeline has its output."""
        self._put("Identity", (value,), self._outputs[name], "", {})

    def _put(
        self, op: str, inputs: tuple[str, ...], result: str, domain: str, attributes: dict[str, Any]
    ) -> None:
        name = self._scope.get_unique_operator_name(op)
        self._container.add_node(
            op, list(inputs), result, op_domain=domain, name=name,
            op_version=self._container.target_opset, **attributes,
        )  # fmt: skip
