// Curve: L along the logit of the chosen class, everything else held still; its tangent, which is the
// gradient, its curvature, and a secant whose h goes to 0.

const FRAME = { left: 46, right: 14, top: 12, bottom: 40, width: 560, height: 330 };
const SAMPLES = 161;

field("h", inRange("h", 2, 1e-12, 10));

/** L at other values of u_k, in plain float64: a curve on the screen has three digits. */
function lossAlong({ u, y, options }, k, values) {
  const { smoothing, zLoss } = options;
  const q = y.map((share) => (1 - smoothing) * share + smoothing / y.length);
  const S = q.reduce((sum, share) => sum + share, 0);
  return values.map((value) => {
    const z = transformed(u.map((old, j) => (j === k ? value : old)), options);
    const m = Math.max(...z);
    const lse = m + Math.log(z.reduce((sum, each) => sum + Math.exp(each - m), 0));
    return q.reduce((sum, share, j) => sum + share * (lse - z[j]), 0) + zLoss * S * lse * lse;
  });
}

panel({
  id: "curve",
  title: "Curve",
  intro: "The loss along one logit, the others held still. The slope of the tangent is the gradient of that logit; a secant through a second point comes closer to it the smaller h is, until float64 runs out of digits.",
  build(root) {
    const which = el("select", { "aria-label": "logit along which the loss is drawn", on: { change: () => change({ k: Number(which.value) }) } });
    const h = distanceControl();
    const shrink = button("h → 0", shrinkStep, { class: "main" });
    const picture = curvePicture();
    const rows = el("tbody");
    const words = el("p", { class: "note" });
    const table = el("div", { class: "scroll" }, el("table", { class: "facts" }, rows));
    root.append(el("div", { class: "buttons" }, el("label", { class: "choice" }, "along ", which), shrink,
      button("h = 2", () => change({ h: 2 }))), picture.node, h.node, table, words, why("dL_dz", "hessian"));
    return (model) => {
      const { k } = state;
      if (which.length !== model.K || which.dataset.names !== String(state.names) || which.dataset.letter !== logitLetter()) {
        which.dataset.names = String(state.names);
        which.dataset.letter = logitLetter();
        which.replaceChildren(...model.u.map((_, j) => el("option", { value: j }, `${logitLetter()}_${j}${state.names ? ` (${nameOf(j)})` : ""}`)));
      }
      which.value = k;
      h.follow();
      say(words, gradientInWords());
      const facts = factsOfCurve(model, k);
      picture.follow(model, k, facts);
      showFacts(rows, facts, k);
    };
  },
});

/** A slider for the power of ten of h, and h itself beside it. */
function distanceControl() {
  const set = (value) => change({ h: value });
  const range = el("input", {
    type: "range", min: -12, max: 0.75, step: 0.05, "aria-label": "distance of the second point, as a power of ten",
    on: { input: () => set(Number((10 ** Number(range.value)).toPrecision(3))) },
  });
  const exact = numberField({ label: "h, exactly", limit: [1e-12, 10], value: () => state.h, set });
  return {
    node: el("div", { class: "slider" }, el("span", { class: "label" }, letter("h"), " to the second point"), range, exact.node),
    follow() {
      const power = Math.log10(state.h);
      if (Math.abs(Number(range.value) - power) > 0.03) range.value = power;
      update(range, { "aria-valuetext": `h = ${text(state.h, 3)}` });
      exact.follow();
    },
  };
}

/** Let h shrink, a factor a frame; at once where less motion is asked for. */
function shrinkStep() {
  clearInterval(shrinkStep.timer);
  if (still()) {
    change({ h: 1e-5 });
    return;
  }
  change({ h: 2 });
  shrinkStep.timer = setInterval(() => {
    if (state.h <= 1e-4 || state.panel !== "curve") clearInterval(shrinkStep.timer);
    else change({ h: Number((state.h * 0.93).toPrecision(3)) });
  }, 30);
}

function factsOfCurve({ u, y, options, row }, k) {
  const moved = head(u.map((value, j) => (j === k ? value + state.h : value)), y, options);
  const step = u[k] + state.h - u[k]; // what float64 makes of h
  const secant = (moved.L - row.L) / step;
  return {
    at: u[k], L: row.L, slope: row.dL_du[k], estimate: quotient(u, y, options, k),
    bend: curvature(row, u, k, options), second: moved.L, secant,
    half: quotientOfSlope(u, y, options, k),
  };
}

/** A difference quotient of the gradient: the curvature another way. */
function quotientOfSlope(u, y, options, k, h = 2 ** -13) {
  const at = (value) => head(u.map((old, j) => (j === k ? value : old)), y, options).dL_du[k];
  return (at(u[k] + h) - at(u[k] - h)) / (u[k] + h - (u[k] - h));
}

function showFacts(body, facts, k) {
  const v = logitLetter();
  const gradientIs = optionsAreOff() ? `p_${k} − y_${k}` : `∂L/∂${v}_${k}`;
  const curvatureIs = optionsAreOff() ? `p_${k} (1 − p_${k})` : `∂²L/∂${v}_${k}²`;
  const lines = [
    ["tangent", `slope ${gradientIs} = ${text(facts.slope, 6)}`, agreement(facts.slope, facts.estimate)],
    ["secant", `(L(${v}_${k} + h) − L(${v}_${k})) / h = ${text(facts.secant, 6)}`,
      Number.isFinite(facts.secant) ? `off by ${text(facts.secant - facts.slope, 2)}` : `h is lost: ${v} + h is ${v} in float64`],
    ["curvature", `${curvatureIs} = ${text(facts.bend, 6)}`, agreement(facts.bend, facts.half)],
  ];
  if (body.childElementCount !== lines.length) {
    body.replaceChildren(...lines.map(([name]) => el("tr", { class: name }, el("th", { scope: "row" }, name), el("td"), el("td"))));
  }
  lines.forEach(([, what, said], n) => {
    formula(body.rows[n].cells[1], what);
    say(body.rows[n].cells[2], said);
  });
}

function curvePicture() {
  const axes = svg("g", { class: "axes" });
  const [curve, tangent, parabola, secant] = ["curve", "tangent", "parabola", "secant"].map((name) => svg("path", { class: name }));
  tangent.dataset.q = "dL_dz";
  curve.dataset.q = "L";
  const [point, second] = ["point", "second"].map((name) => svg("circle", { r: 5, class: name }));
  const label = svg("text", { class: "axis-title", x: FRAME.width / 2, y: FRAME.height - 6 });
  const node = svg("svg", {
    viewBox: `0 0 ${FRAME.width} ${FRAME.height}`, class: "plot", role: "img",
  }, axes, parabola, curve, secant, tangent, second, point, label);
  function follow(model, k, facts) {
    const [low, high] = [facts.at - 6, facts.at + 6];
    const us = Array.from({ length: SAMPLES }, (_, n) => low + ((high - low) * n) / (SAMPLES - 1));
    const Ls = lossAlong(model, k, us);
    const top = niceTop(Math.max(...Ls, facts.L * 1.05, 0.1));
    const x = (u) => FRAME.left + ((u - low) / (high - low)) * (FRAME.width - FRAME.left - FRAME.right);
    const y = (L) => FRAME.height - FRAME.bottom - (L / top) * (FRAME.height - FRAME.top - FRAME.bottom);
    const path = (points) => points.map(([u, L], n) => `${n ? "L" : "M"}${x(u).toFixed(2)} ${clamp(y(L)).toFixed(2)}`).join("");
    const line = (slope) => (u) => facts.L + slope * (u - facts.at);
    const straight = (slope) => path([low, high].map((u) => [u, line(slope)(u)]));
    update(curve, { d: path(us.map((u, n) => [u, Ls[n]])) });
    update(tangent, { d: straight(facts.slope) });
    update(parabola, { d: path(us.map((u) => [u, line(facts.slope)(u) + (facts.bend / 2) * (u - facts.at) ** 2])) });
    update(secant, { d: Number.isFinite(facts.secant) ? straight(facts.secant) : "" });
    update(point, { cx: x(facts.at), cy: y(facts.L) });
    const seen = state.h <= 6;
    update(second, { cx: seen ? x(facts.at + state.h) : -20, cy: seen ? y(facts.second) : -20 });
    say(label, `logit of class ${nameOf(k)}${state.added ? ", a added" : ""}`);
    drawAxes(axes, low, high, top, x, y);
    update(node, { "aria-label": `Loss along the logit of class ${nameOf(k)}: ${text(facts.L)} with slope ${text(facts.slope)} and curvature ${text(facts.bend)}` });
  }
  return { node, follow };
}

const clamp = (value) => Math.max(-400, Math.min(800, value));

/** The next round number. */
function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 6, 8, 10].map((n) => n * power).find((top) => top >= value);
}

function drawAxes(axes, low, high, top, x, y) {
  const key = `${low} ${high} ${top}`;
  if (axes.dataset.key === key) return;
  axes.dataset.key = key;
  const ticks = Array.from({ length: 7 }, (_, n) => Math.ceil(low) + 2 * n).filter((u) => u <= high);
  axes.replaceChildren(
    ...ticks.map((u) => svg("text", { x: x(u), y: FRAME.height - FRAME.bottom + 16, class: "tick" }, text(u))),
    ...[0, 0.5, 1].map((share) => svg("g", {},
      svg("line", { x1: FRAME.left, x2: FRAME.width - FRAME.right, y1: y(share * top), y2: y(share * top), class: "grid" }),
      svg("text", { x: FRAME.left - 6, y: y(share * top) + 4, class: "tick end" }, text(share * top)))),
    svg("text", { x: FRAME.left - 34, y: FRAME.top + 12, class: "axis-title letter" }, "L"));
}
