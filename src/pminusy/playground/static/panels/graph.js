// Graph: x → z → e^z → S → p → L. Values go forward, gradients come back, one stage at a time; the
// edges of the chosen class carry their local derivatives, and an edge opens the lines that prove it.

const COLUMNS = [["x", 40], ["z", 140], ["e", 244], ["S", 330], ["p", 420], ["L", 522]];
const PLACE = Object.fromEntries(COLUMNS);
const BOX = { width: 66, height: 36 };
const LETTERS_IN_BOX = 8;
const FORWARD = ["x", "z", "e", "S", "p", "L"];
const BACKWARD = ["L", "p", "S", "e", "z", "x"];
const SHOWN_AS = { e: "eᶻ" };
const QUANTITY = { e: "e", S: "S_e" };

field("stage", whole("stage", 12, 0, 12)); // 0 … 5 forward, 6 … 11 backward, 12 all at once

/** Values and gradients of every node, in plain float64: the graph is the formula as it is written. */
function valuesOfGraph({ u, y, row, options, K }) {
  const W = weightsOf();
  const { e, S } = exponentialsOf(row.z);
  const q = row.q;
  const slope = u.map((value) => throughTransform([1, 0], value, options)[0]);
  const total = Math.exp(-row.lse);
  return {
    K, W, e, S, q, slope, u, x: state.x, z: row.z, p: row.p, L: row.L, y, row,
    value: { x: state.x, z: row.z, e, S: [S], p: row.p, L: [row.L] },
    gradient: {
      L: [1],
      p: row.p.map((p, k) => (q[k] === 0 ? 0 : -q[k] / p)),
      S: [row.S * total],
      e: row.z.map((z, k) => row.S * total - (q[k] === 0 ? 0 : q[k] * Math.exp(-z))),
      z: row.dL_dz,
      x: state.x.map((_, d) => W.reduce((sum, weights, k) => sum + weights[d] * row.dL_du[k], 0)),
    },
  };
}

/**
 * The kinds of edges: what the local derivative is in letters, in numbers, and what proves it; `about`
 * says what the lines are if they are not of the edge alone, `made` which exponentials it is made of.
 */
const EDGES = [
  {
    from: "x", to: "z", lines: ["linear", "dL_dx_entry", "dL_dW_entry"],
    letters: (d, k) => [`∂z_${k}/∂${inputLetter()}_${d}`, `W_${k}${d}${transformIsOff() ? "" : ` · ∂z_${k}/∂u_${k}`}`],
    about: () => `The layer, and what goes back through it: to the input, and to W.${transformIsOff() ? "" : " The layer gives u, which z is made of; in the lines there are no options and u is z."}${state.units ? " x in the lines is h here." : ""}`,
    value: (g, d, k) => g.W[k][d] * g.slope[k],
    along: (g, d, k) => [(x) => g.z[k] + (x - g.x[d]) * g.W[k][d] * g.slope[k], g.x[d]],
    numbers: (g, d, k) => (g.slope[k] === 1 ? "" : `${text(g.W[k][d])} · ${text(g.slope[k])}`),
  },
  {
    from: "z", to: "e", lines: ["numerator"],
    letters: (k) => [`∂e^(z_${k})/∂z_${k}`, `e^(z_${k})`],
    made: (g, k) => [g.e[k]],
    value: (g, k) => g.e[k],
    along: (g, k) => [Math.exp, g.z[k]],
    numbers: (g, k) => `e^${text(g.z[k])}`,
  },
  {
    from: "e", to: "S", lines: ["denominator"],
    letters: (k) => [`∂S/∂e^(z_${k})`, "1"],
    about: () => "The line below goes on to z: ∂S/∂z is this 1 times the derivative of the edge before, e^z.",
    made: (g) => [g.S],
    value: () => 1,
    along: (g, k) => [(e) => g.S + (e - g.e[k]), g.e[k]],
    numbers: () => "",
  },
  {
    from: "e", to: "p", lines: ["softmax", "own_quotient"],
    letters: (k) => [`∂p_${k}/∂e^(z_${k})`, "1 / S"],
    about: () => "This is with S held still, since S has an edge of its own. The lines below go the whole way from z to p, through both edges.",
    made: (g) => [g.S],
    value: (g) => 1 / g.S,
    along: (g, k) => [(e) => e / g.S, g.e[k]],
    numbers: (g) => `1 / ${text(g.S)}`,
  },
  {
    from: "S", to: "p", lines: ["other_quotient", "other_product"],
    letters: (_, k) => [`∂p_${k}/∂S`, `−e^(z_${k}) / S²`],
    about: () => "This is with the numerator held still. The lines below are the whole way from another class’s z to p, which goes through S alone: this factor times e^(z_j).",
    made: (g, _, k) => [g.e[k], g.S],
    value: (g, _, k) => -g.e[k] / g.S / g.S,
    along: (g, _, k) => [(S) => g.e[k] / S, g.S],
    numbers: (g, _, k) => `−${text(g.e[k])} / ${text(g.S)}²`,
  },
  {
    from: "p", to: "L", lines: ["dL_dp", "dL_dz"],
    letters: (k) => [`∂L/∂p_${k}`, `−${targetLetter()}_${k} / p_${k}`],
    about: () => (state.zLoss || state.smoothing ? "The lines are those without options." : ""),
    made: (g, k) => [g.p[k]],
    value: (g, k) => g.gradient.p[k],
    along: (g, k) => [(p) => (g.q[k] === 0 ? 0 : -g.q[k] * Math.log(p)), g.p[k]],
    numbers: (g, k) => `−${text(g.q[k])} / ${text(g.p[k])}`,
  },
];

/** A difference quotient of any function at a number. */
function slopeOf(f, at) {
  const h = (Math.abs(at) || 1) * 2 ** -13;
  return (f(at + h) - f(at - h)) / (at + h - (at - h));
}

/** What is said of an edge's number: whether float64 has what it is made of, then whether both ways agree. */
function agreementOfEdge(kind, g, i, j) {
  const made = kind.made?.(g, i, j) ?? [];
  if (!made.every(Number.isFinite)) return "overflow: no float64 is as large as what this is made of; see “the formula without the shift”";
  if (made.some((value) => value < LEAST_NORMAL)) return "underflow: what this is made of is not 0, but too small for a float64";
  return agreement(kind.value(g, i, j), slopeOf(...kind.along(g, i, j)));
}

/** What the letters of the graph stand for, and why a box may have no number. */
function wordsOfGraph(g) {
  const { fit } = exponentialsOf(g.z);
  return [
    state.added ? `a = ${text(state.added)} is added in the graph.` : "",
    state.units ? "h are the hidden units of the point that was chosen in Learn, h = tanh(V x + a)." : "",
    gradientInWords(),
    fit ? "" : "The boxes of e^(z) and S are the formula as it is written, which float64 has no room for here; p, L and the gradients at p and z come from e^(z − max z).",
  ].filter(Boolean).join(" ");
}

const classOf = ({ from, to }, i, j) => (to === "z" || from === "S" ? j : i);

panel({
  id: "graph",
  title: "Graph",
  intro: "Values go forward in the boxes, gradients come back below them. The edges of the chosen class carry their local derivatives; choose an edge for the line that proves it.",
  build(root) {
    const drawing = el("div", { class: "scroll drawing", tabindex: 0, role: "group", "aria-label": "graph of the computation" });
    const words = el("p", { class: "stage-words", role: "status" });
    const detail = el("div", { class: "detail" });
    const stages = stageButtons();
    const note = el("p", { class: "note" });
    root.append(stages.node, words, note, drawing, detail);
    let drawn = null;
    let shape = "";
    let chosen = null;
    return (model) => {
      const g = valuesOfGraph(model);
      if (shape !== `${g.K} ${g.x.length}`) {
        shape = `${g.K} ${g.x.length}`;
        drawn = drawGraph(g, (edge) => {
          chosen = edge;
          change({ k: classOf(edge.kind, edge.i, edge.j) });
        });
        drawing.replaceChildren(drawn.node);
        chosen = null;
      }
      stages.follow();
      formula(words, wordsOfStage(g));
      formula(note, wordsOfGraph(g));
      drawn.follow(g, chosen);
      detailOfEdge(detail, g, chosen);
    };
  },
});

function stageButtons() {
  const walk = (from, to) => () => {
    clearInterval(walk.timer);
    if (still()) return change({ stage: to });
    change({ stage: from });
    walk.timer = setInterval(() => {
      if (state.stage >= to || state.panel !== "graph") clearInterval(walk.timer);
      else change({ stage: state.stage + 1 });
    }, 900);
  };
  const halt = (stage) => () => {
    clearInterval(walk.timer);
    change({ stage: stage() });
  };
  walk.timer = 0;
  const back = button("◀", halt(() => Math.max(0, Math.min(state.stage, 12) - 1)), { "aria-label": "One stage back", class: "square" });
  const on = button("▶", halt(() => (state.stage >= 12 ? 0 : state.stage + 1)), { "aria-label": "One stage on", class: "square" });
  const all = button("All at once", halt(() => 12));
  return {
    node: el("div", { class: "buttons" }, button("Forward", walk(0, 5), { class: "main" }),
      button("Backward", walk(6, 11), { class: "main" }), back, on, all),
    follow: () => (all.disabled = state.stage === 12),
  };
}

/** What the present stage computes, for the chosen class. */
function wordsOfStage(g) {
  const k = state.k;
  const [x, u, y] = [inputLetter(), logitLetter(), targetLetter()];
  const toU = transformIsOff() ? "" : ` Then ∂L/∂u_${k} = ∂L/∂z_${k} · ${text(g.slope[k])} = ${text(g.row.dL_du[k])}.`;
  const toZ = transformIsOff() ? ` = ${text(g.z[k])}: one score for each class.` : `${state.added ? " + a" : ""} = ${text(g.u[k])}, and z_${k} = ${text(g.z[k])}.`;
  const sum = (list) => list.map((value) => text(value)).join(" + ").replaceAll("+ −", "− ");
  return [
    `${x} = (${g.x.map((v) => text(v)).join(", ")}) goes in. A logit that you move moves its bias b.`,
    `${u}_${k} = Σ_d W_${k}d ${x}_d + b_${k}${transformIsOff() && state.added ? " + a" : ""}${toZ}`,
    `e^(z_${k}) = e^${text(g.z[k])} = ${text(g.e[k])}: positive, whatever the logit.`,
    `S = ${sum(g.e)} = ${text(g.S)}.`,
    `p_${k} = e^(z_${k}) / S = ${text(g.e[k])} / ${text(g.S)} = ${text(g.p[k])}.`,
    `L = −Σ ${y} ln p${state.zLoss ? " + ζ (ln S)²" : ""} = ${text(g.L)}. Now back.`,
    "∂L/∂L = 1: here the way back begins.",
    `∂L/∂p_${k} = −${y}_${k} / p_${k} = ${text(g.gradient.p[k])}.`,
    `∂L/∂S = Σ_j ∂L/∂p_j · (−e^(z_j) / S²) = ${text(g.gradient.S[0])}: S is below every fraction.`,
    `∂L/∂e^(z_${k}) = ∂L/∂p_${k} / S + ∂L/∂S = ${text(g.gradient.e[k])}: two paths come together.`,
    `∂L/∂z_${k} = ∂L/∂e^(z_${k}) · e^(z_${k})${state.zLoss ? ` + 2 ζ ln(S) p_${k}` : ""} = ${text(g.gradient.z[k])}${optionsAreOff() ? ` = p_${k} − y_${k}` : ""}.${toU}`,
    `∂L/∂${x}_0 = Σ_k ∂L/∂${u}_k W_k0 = ${text(g.gradient.x[0])}: what the layer before gets.`,
    state.zLoss ? "The z-loss adds 2 ζ lse p, straight from L to z." : "",
  ][state.stage];
}

/** Whether a stage has reached a value or a gradient. */
const reached = (name, backward) =>
  state.stage >= 12 || (backward ? state.stage >= 6 + BACKWARD.indexOf(name) : state.stage >= FORWARD.indexOf(name));

function drawGraph(g, choose) {
  const step = g.K > 6 ? 48 : 58;
  const top = 52;
  const rows = Math.max(g.K, g.x.length);
  const among = (count) => (n) => top + step * (n + (rows - count) / 2);
  const height = top + step * (rows + 1);
  const ofClass = among(g.K);
  const place = { x: among(g.x.length), z: ofClass, e: ofClass, S: () => top + step * rows, p: ofClass, L: among(1) };
  const picture = svg("svg", { viewBox: `0 0 562 ${height}`, class: "graph", role: "group", "aria-label": "x to L" });
  const titles = COLUMNS.map(([name, x]) => svg("text", { x, y: 18, class: "column", "data-q": QUANTITY[name] ?? name }, SHOWN_AS[name] ?? name));
  picture.append(...titles);
  const edges = EDGES.flatMap((kind) => endsOf(kind, g).map(([i, j]) => edgeOf(kind, i, j, place, choose)));
  const nodes = COLUMNS.flatMap(([name]) => g.value[name].map((_, n) => nodeOf(name, n, place)));
  picture.append(...edges.map(({ node }) => node), ...nodes.map(({ node }) => node), ...edges.map(({ chip }) => chip));
  roving(edges.map(({ node }) => node), 1);
  return {
    node: picture,
    follow(values, chosen) {
      say(titles[0], inputLetter());
      edges.forEach((edge) => edge.follow(values, chosen));
      nodes.forEach((node) => node.follow(values));
    },
  };
}

function endsOf({ from, to }, g) {
  const classes = g.p.map((_, k) => k);
  if (from === "x") return g.x.flatMap((_, d) => classes.map((k) => [d, k]));
  if (from === "S") return classes.map((k) => [0, k]);
  return classes.map((k) => [k, to === "S" || to === "L" ? 0 : k]);
}

function edgeOf(kind, i, j, place, choose) {
  const start = [PLACE[kind.from] + BOX.width / 2, place[kind.from](i)];
  const end = [PLACE[kind.to] - BOX.width / 2, place[kind.to](j)];
  if (kind.to === "S") [start[0], end[1]] = [PLACE.e + 16, end[1] - 6];
  if (kind.from === "S") [start[0], end[0]] = [PLACE.S + 20, PLACE.p - 22];
  const path = `M${start} L${end}`;
  const line = svg("path", { d: path, class: "wire" });
  const node = svg("g", { role: "button", class: "wire-hit" }, svg("path", { d: path, class: "reach" }), line);
  const share = { x: 0.72, S: 0.35 }[kind.from] ?? 0.5;
  const at = [start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])];
  const chip = svg("text", { x: at[0], y: at[1] - 3, class: "chip", "aria-hidden": "true" });
  const edge = { kind, i, j };
  node.addEventListener("click", () => choose(edge));
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose(edge);
  });
  return {
    node,
    chip,
    follow(g, chosen) {
      const own = classOf(kind, i, j) === state.k;
      const picked = chosen && chosen.kind === kind && chosen.i === i && chosen.j === j;
      const seen = reached(kind.to, false);
      const back = state.stage >= 6 && reached(kind.from, true);
      const now = state.stage < 12 && (state.stage < 6
        ? FORWARD[state.stage] === kind.to : BACKWARD[state.stage - 6] === kind.from);
      update(line, { class: `wire${own ? " own" : ""}${picked ? " picked" : ""}${now ? " now" : ""}${seen ? "" : " ahead"}` });
      const value = kind.value(g, i, j);
      update(node, { "aria-label": `edge ${kind.letters(i, j)[0]} = ${text(value)}` });
      say(chip, own && seen && (state.stage >= 12 || back || now) && state.stage >= 6 ? text(value, 3) : "");
    },
  };
}

/** A number longer than its box is set narrower, with all its digits. */
function squeeze(node) {
  if (node.textContent.length > LETTERS_IN_BOX) update(node, { textLength: BOX.width - 8, lengthAdjust: "spacingAndGlyphs" });
  else node.removeAttribute("textLength");
}

function nodeOf(name, n, place) {
  const [x, y] = [PLACE[name], place[name](n)];
  const value = svg("text", { x, y: y + 4, class: "in-node" });
  const gradient = svg("text", { x, y: y + BOX.height / 2 + 11, class: "back" });
  const box = svg("rect", {
    x: x - BOX.width / 2, y: y - 14, width: BOX.width, height: 28, rx: 7, class: "box",
  });
  const ofClass = "zep".includes(name);
  const quantity = QUANTITY[name] ?? name;
  const node = svg("g", { "data-q": quantity, class: "graph-node" }, box, value, gradient);
  if (ofClass) node.addEventListener("click", () => change({ k: n }));
  return {
    node,
    follow(g) {
      const [v, d] = [g.value[name][n], g.gradient[name][n]];
      update(box, { class: `box${ofClass && n === state.k ? " own" : ""}` });
      say(value, reached(name, false) ? text(v) : "?");
      squeeze(value);
      value.classList.toggle("broken", reached(name, false) && !Number.isFinite(v));
      say(gradient, reached(name, true) && state.stage >= 6 ? text(d, 3) : "");
      update(gradient, { class: `back ${hue(d)}`, "data-q": `dL_d${quantity}` });
    },
  };
}

/** The chosen edge in letters, in numbers, and the lines that prove it. */
function detailOfEdge(detail, g, chosen) {
  if (!chosen) {
    if (detail.childElementCount === 0) detail.append(el("p", { class: "note" }, "Choose an edge: Tab to the graph, then arrow keys and Enter; or click."));
    return;
  }
  const { kind, i, j } = chosen;
  const [left, right] = kind.letters(i, j);
  const value = kind.value(g, i, j);
  const numbers = kind.numbers(g, i, j);
  const sentence = [left, right, numbers, text(value)].filter((part, n, all) => part && part !== all[n - 1] && !(n === 3 && part === right)).join(" = ");
  const key = `${kind.from}${kind.to}${i}${j}`;
  if (detail.dataset.edge !== key) {
    detail.dataset.edge = key;
    detail.replaceChildren(el("h3"),
      el("p", { class: "live-line" }), el("p", { class: "checked" }), el("p", { class: "note about" }), ...kind.lines.map(provedLine));
  }
  const title = (name) => (name === "x" ? inputLetter() : SHOWN_AS[name] ?? name);
  say(detail.querySelector("h3"), `Edge ${title(kind.from)} → ${title(kind.to)}`);
  formula(detail.querySelector(".about"), kind.about?.() ?? "");
  formula(detail.querySelector(".live-line"), sentence);
  sayAgreement(detail.querySelector(".checked"), agreementOfEdge(kind, g, i, j));
}
