"""Every public name, in the order in which the reference tells it."""

from __future__ import annotations

from typing import NamedTuple

from tools.site.from_source import reference_of

__all__ = ["GROUPS", "Group", "documented", "reference"]


class Group(NamedTuple):
    """Names that belong together: a title, a sentence, and the names with their module."""

    title: str
    about: str
    functions: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


GROUPS = (
    Group(
        "Explain",
        "A derivation with your numbers, every line proved; and the page on which they move.",
        functions=("pminusy.explain", "pminusy.play", "pminusy.quiz"),
        classes=(
            "pminusy.derivation.steps.derivation.Derivation",
            "pminusy.playground.result.Playground",
            "pminusy.questions.items.item.Question",
        ),
    ),
    Group(
        "Check",
        "Is an implementation right, and if not, which line of the derivation does it break?",
        functions=("pminusy.check", "pminusy.testing.assert_correct"),
    ),
    Group(
        "Fit a table",
        "A table in, a trained and scored classifier out.",
        functions=("pminusy.fit_table", "pminusy.load"),
        classes=("pminusy.TableModel", "pminusy.TableWarning"),
    ),
    Group(
        "Estimators",
        "scikit-learn's interface. Trained from arrays, with a certificate.",
        classes=(
            "pminusy.SoftmaxRegression",
            "pminusy.SoftmaxRegressionCV",
            "pminusy.SoftmaxNetwork",
            "pminusy.Blocks",
        ),
    ),
    Group(
        "Labels, confidence and other programs",
        "What is done with a model, or with probabilities that you have already.",
        functions=(
            "pminusy.audit",
            "pminusy.label_quality",
            "pminusy.reliability",
            "pminusy.temperature_scaling",
            "pminusy.register_with_skl2onnx",
        ),
    ),
    Group(
        "Array functions",
        "The fused operations: loss, gradient and curvature, of logits or of a linear layer.",
        functions=(
            "pminusy.softmax",
            "pminusy.log_softmax",
            "pminusy.logsumexp",
            "pminusy.softmax_jacobian",
            "pminusy.cross_entropy",
            "pminusy.cross_entropy_grad",
            "pminusy.cross_entropy_hvp",
            "pminusy.cross_entropy_outputs",
            "pminusy.linear_cross_entropy",
            "pminusy.linear_cross_entropy_grad",
            "pminusy.linear_cross_entropy_hvp",
            "pminusy.linear_cross_entropy_outputs",
        ),
    ),
    Group(
        "PyTorch",
        "torch's names, signatures and defaults.",
        functions=(
            "pminusy.torch.cross_entropy",
            "pminusy.torch.linear_cross_entropy",
            "pminusy.torch.cross_entropy_outputs",
            "pminusy.torch.linear_cross_entropy_outputs",
        ),
        classes=("pminusy.torch.CrossEntropyLoss", "pminusy.torch.LinearCrossEntropyLoss"),
    ),
    Group(
        "How it runs",
        "Which implementation takes a call, on how many threads, and what input is refused.",
        functions=(
            "pminusy.why",
            "pminusy.warm_up",
            "pminusy.get_num_threads",
            "pminusy.set_num_threads",
        ),
        classes=("pminusy.InputError",),
    ),
)


def documented() -> set[str]:
    """Every name of the reference."""
    return {name for group in GROUPS for name in (*group.functions, *group.classes)}


def reference() -> str:
    """The chapter, as directives that read the docstrings."""
    lines = []
    for group in GROUPS:
        lines += [f"## {group.title}", "", group.about, ""]
        lines += ["```{eval-rst}"]
        if group.title == "PyTorch":
            for name in (*group.functions, *group.classes):
                lines += reference_of(name)
            lines += ["```", ""]
            continue
        for name in group.functions:
            lines += [f".. autofunction:: {name}", ""]
        for name in group.classes:
            lines += [f".. autoclass:: {name}", "   :members:", ""]
        lines += ["```", ""]
    return "\n".join(lines)
