// Graph: x → z → e^z → S → p → L. Values go forward, gradients come back, one stage at a time; the
// edges of the chosen class carry their local derivatives, and an edge opens the lines that prove it.

const COLUMNS = [["x", 40], ["z", 140], ["e", 244], ["S", 330], ["p", 420], ["L", 522]];
const PLACE = Object.fromEntries(COLUMNS);
const BOX = { width: 66, height: 36 };
const FORWARD = ["x", "z", "e", "S", "p", "L"];
const BACKWARD = ["L", "p", "S", "e", "z", "x"];
const SHOWN_AS = { e: "eᶻ" };
const QUANTITY = { e: "e", S: "S_e" };

field("stage", whole("stage", 12, 0, 12)); // 0 … 5 forward, 6 … 11 backward, 12 all at once

/** Values and gradients of every node, in plain float64: the graph is the formula as it is written. */
function valuesOfGraph({ u, y, row, options, K }) {
  const W = weightsOf();
  const e = row.z.map((z) => Math.exp(z));
  const S = e.reduce((sum, value) => sum + value, 0);
  const q = row.q;
  const slope = u.map((value) => throughTransform([1, 0], value, options)[0]);
  const total = Math.exp(-row.lse);
  return {
    K, W, e, S, q, slope, x: state.x, z: row.z, p: row.p, L: row.L, y, row,
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

/** The kinds of edges: what the local derivative is in letters, in numbers, and what proves it. */
const EDGES = [
  {
    from: "x", to: "z", lines: ["linear", "dL_dx_entry", "dL_dW_entry"],
    letters: (d, k) => [`∂z_${k}/∂x_${d}`, `W_${k}${d}`],
    value: (g, d, k) => g.W[k][d] * g.slope[k],
    along: (g, d, k) => [(x) => g.z[k] + (x - g.x[d]) * g.W[k][d] * g.slope[k], g.x[d]],
    numbers: (g, d, k) => (g.slope[k] === 1 ? "" : `${text(g.W[k][d])} · ${text(g.slope[k])}`),
  },
  {
    from: "z", to: "e", lines: ["numerator"],
    letters: (k) => [`∂e^(z_${k})/∂z_${k}`, `e^(z_${k})`],
    value: (g, k) => g.e[k],
    along: (g, k) => [Math.exp, g.z[k]],
    numbers: (g, k) => `e^${text(g.z[k])}`,
  },
  {
    from: "e", to: "S", lines: ["denominator"],
    letters: (k) => [`∂S/∂e^(z_${k})`, "1"],
    value: () => 1,
    along: (g, k) => [(e) => g.S + (e - g.e[k]), g.e[k]],
    numbers: () => "",
  },
  {
    from: "e", to: "p", lines: ["softmax", "own_quotient"],
    letters: (k) => [`∂p_${k}/∂e^(z_${k})`, "1 / S"],
    value: (g) => 1 / g.S,
    along: (g, k) => [(e) => e / g.S, g.e[k]],
    numbers: (g) => `1 / ${text(g.S)}`,
  },
  {
    from: "S", to: "p", lines: ["other_quotient", "other_product"],
    letters: (_, k) => [`∂p_${k}/∂S`, `−e^(z_${k}) / S²`],
    value: (g, _, k) => -g.e[k] / g.S / g.S,
    along: (g, _, k) => [(S) => g.e[k] / S, g.S],
    numbers: (g, _, k) => `−${text(g.e[k])} / ${text(g.S)}²`,
  },
  {
    from: "p", to: "L", lines: ["dL_dp", "dL_dz"],
    letters: (k) => [`∂L/∂p_${k}`, `−y_${k} / p_${k}`],
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
    root.append(stages.node, words, drawing, detail);
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
      say(words, wordsOfStage(g));
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
  const sum = (list) => list.map((value) => text(value)).join(" + ").replaceAll("+ −", "− ");
  return [
    `x = (${g.x.map((v) => text(v)).join(", ")}) goes in. A logit that you move moves its bias b.`,
    `z_${k} = Σ_d W_${k}d x_d + b_${k} = ${text(g.z[k])}: one score for each class.`,
    `e^(z_${k}) = e^${text(g.z[k])} = ${text(g.e[k])}: positive, whatever the logit.`,
    `S = ${sum(g.e)} = ${text(g.S)}.`,
    `p_${k} = e^(z_${k}) / S = ${text(g.e[k])} / ${text(g.S)} = ${text(g.p[k])}.`,
    `L = −Σ y ln p = ${text(g.L)}. Now back.`,
    "∂L/∂L = 1: here the way back begins.",
    `∂L/∂p_${k} = −y_${k} / p_${k} = ${text(g.gradient.p[k])}.`,
    `∂L/∂S = Σ_j ∂L/∂p_j · (−e^(z_j) / S²) = ${text(g.gradient.S[0])}: S is below every fraction.`,
    `∂L/∂e^(z_${k}) = ∂L/∂p_${k} / S + ∂L/∂S = ${text(g.gradient.e[k])}: two paths come together.`,
    `∂L/∂z_${k} = ∂L/∂e^(z_${k}) · e^(z_${k}) = ${text(g.gradient.z[k])}${optionsAreOff() ? ` = p_${k} − y_${k}` : ""}.`,
    `∂L/∂x_0 = Σ_k ∂L/∂z_k W_k0 = ${text(g.gradient.x[0])}: what the layer before gets.`,
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
  for (const [name, x] of COLUMNS) {
    picture.append(svg("text", { x, y: 18, class: "column", "data-q": QUANTITY[name] ?? name }, SHOWN_AS[name] ?? name));
  }
  const edges = EDGES.flatMap((kind) => endsOf(kind, g).map(([i, j]) => edgeOf(kind, i, j, place, choose)));
  const nodes = COLUMNS.flatMap(([name]) => g.value[name].map((_, n) => nodeOf(name, n, place)));
  picture.append(...edges.map(({ node }) => node), ...nodes.map(({ node }) => node), ...edges.map(({ chip }) => chip));
  roving(edges.map(({ node }) => node), 1);
  return {
    node: picture,
    follow(values, chosen) {
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
    detail.replaceChildren(el("h3", {}, `Edge ${SHOWN_AS[kind.from] ?? kind.from} → ${SHOWN_AS[kind.to] ?? kind.to}`),
      el("p", { class: "live-line" }), el("p", { class: "checked" }), ...kind.lines.map(provedLine));
  }
  formula(detail.querySelector(".live-line"), sentence);
  sayAgreement(detail.querySelector(".checked"), agreement(value, slopeOf(...kind.along(g, i, j))));
}
