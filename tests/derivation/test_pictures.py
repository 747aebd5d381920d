"""Pictures on the page: well formed, with the numbers of the derivation, none that is wrong."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from pminusy.derivation.build import derive
from pminusy.derivation.layers.context import LayerContext
from tests.derivation.cases import CASES, OPTIONS, derivation

Z = {"z": [2.0, 1.0, 0.1], "y": 0}


def svgs(page):
    return [ET.fromstring(found) for found in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]


def titled(page, start):
    return [each for each in svgs(page) if each.findtext("title", "").startswith(start)]


def texts(svg):
    return [part.text or "" for part in svg.iter("text")]


@pytest.mark.parametrize("case", ["logits", "layer", "soft", "batch", "masked", "rows", "image"])
def test_every_picture_is_well_formed_and_has_a_title(case):
    found = svgs(derivation(case).to_html())
    assert found
    for svg in found:
        assert svg.findtext("title")
        assert svg.get("aria-label") == svg.findtext("title")
        assert "NaN" not in ET.tostring(svg, "unicode")


def test_the_graph_has_values_and_gradients():
    (graph,) = titled(derive(**Z).to_html(), "Computation graph")
    said = texts(graph)
    for expected in ("0: 2", "0.659", "0.417", "∂L/∂z = −0.341", "∂L/∂p = −1.517", "∂L/∂L = 1"):
        assert expected in said
    assert len(list(graph.iter("line"))) == 9 + 3


def test_the_loss_along_a_logit_and_its_tangent():
    (picture,) = titled(derive(**Z).to_html(), "Loss along the logit of 0")
    curve, tangent = (
        [tuple(map(float, point.split(","))) for point in line.get("points", "").split()]
        for line in picture.iter("polyline")
    )
    z = np.array(Z["z"]) + np.outer(np.linspace(-4, 4, 65), [1, 0, 0])
    loss = np.log(np.exp(z).sum(1)) - z[:, 0]
    x, y = np.array(curve).T
    slope, start = np.polyfit(y, loss, 1)
    np.testing.assert_allclose(slope * y + start, loss, atol=0.02)
    assert np.all(np.diff(x) > 0)
    (x0, y0), (x1, y1) = tangent
    there = slope * (y1 - y0) / ((x1 - x0) * 8 / 340)
    assert there == pytest.approx(-0.341, abs=0.01)


@pytest.mark.parametrize("option", OPTIONS)
def test_other_losses_have_no_such_graph(option):
    given = {**Z, **OPTIONS[option]}
    known = option in ("label_smoothing", "weight", "sample_weight")
    assert bool(titled(derive(**given).to_html(), "Computation graph")) == known


def test_hints_have_no_pictures_that_tell():
    assert not svgs(derive(**Z, hints=1).to_html().partition("<section>")[0])


def test_the_heat_map_names_its_axes_and_stays_readable():
    page = derive(**Z, classes=["cat", "dog", "owl"], chapters=["jacobian"]).to_html()
    (picture,) = titled(page, "Heat map")
    assert texts(picture)[:2] == ["by the logit z of …", "p of …"]
    assert texts(picture).count("cat") == 2
    strengths = [float(r.get("fill-opacity", 0)) for r in picture.iter("rect")]
    assert max(strengths) == pytest.approx(0.55)


@pytest.mark.parametrize(
    ("words", "columns"),
    [("image:4x5,conv:1x2x3/2x1+1x0", 20), ("conv:1x3/2+1", 7), ("image:4x4,maxpool:2", 16)],
    ids=["conv2d", "conv1d", "maxpool2d"],
)
def test_the_window_covers_what_its_output_is_made_of(words, columns):
    x = np.round(np.random.default_rng(1).standard_normal((1, columns)), 1)
    d = derive(network=words, x=x, y=[0])
    (picture,) = titled(d.to_html(), "The window of the output")
    cells = [r for r in picture.iter("rect") if r.get("class") != "window"]
    shown = [t.text for t in picture.iter("text") if t.text != "→"]
    inside = [float(t.replace("−", "-")) for r, t in zip(cells, shown, strict=True)
              if "covered" in r.get("class", "")]  # fmt: skip
    *window, out = inside
    contexts = [c.context for c in d._all if isinstance(c.context, LayerContext)]
    layer = next(context.layer for context in contexts if context.layer.form.axes)
    if layer.form.kind == "maxpool":
        assert out == max(window)
    else:
        W, b = layer.values["W"].ravel(), layer.values["b"][0]
        assert out == pytest.approx(float(np.dot(W, window) + b), abs=0.006 * (1 + abs(out)))


def test_a_network_is_drawn_with_norms():
    d = derive(network="linear:3,tanh,linear:2", x=[[1.0, 2.0]], y=[0])
    (picture,) = titled(d.to_html(), "The network")
    said = texts(picture)
    backward = next(table for table in d.summary.tables if "backwards" in table.head)
    assert all(row[2] in said for row in backward.rows)
    assert not titled(derivation("logits").to_html(), "The network")
    assert "rows" in CASES


def test_letters_of_a_picture_are_those_of_the_page():
    page = derive(z=[2.0, 1.0, 0.1], y=0, article="004").to_html()
    graph = page.partition("Computation graph")[2].partition("</svg>")[0]
    assert "∂E/∂Z = −0.341" in graph
    assert "∂L" not in graph
    assert "Z of 0, the others held still" in page
