// Learn: points in the plane, a softmax regression or a small network on them, step by step; the
// regions it decides for, its loss, and how a batch's outer products add up to ∂L/∂W.

const HUES = ["#2a9169", "#8a58b0", "#b08a10", "#c04a78", "#168496", "#76862a", "#8a6648", "#64748b", "#a84848", "#5858bc"];
const MARKS = [
  "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0 -4 0Z", "M0 -5L4.6 3.4H-4.6Z", "M-3.7 -3.7H3.7V3.7H-3.7Z", "M0 -5L5 0L0 5L-5 0Z",
  "M0 5L4.6 -3.4H-4.6Z", "M-1.5 -5H1.5V-1.5H5V1.5H1.5V5H-1.5V1.5H-5V-1.5H-1.5Z",
];
const PLANE = { size: 320, reach: 1.15, cells: 64 };
const SHOWN_PRODUCTS = 5;
const MOST_LOSSES = 400;

let ownPoints = null;
const RATES = [0.01, 0.03, 0.1, 0.3, 1, 3, 10];
const BATCHES = [1, 4, 16, 64, 0];

const shapes = oneOf("data", "blobs", () => [...Object.keys(SHAPES), ...(ownPoints ? ["csv"] : [])]);
field("points", { ...shapes, write: (name) => (name === "csv" ? null : name) }); // a link holds no points

field("hidden", whole("hidden", 0, 0, 8));
field("eta", oneOf("eta", 1, () => RATES));
field("batch", oneOf("batch", 4, () => BATCHES)); // 0 is all
field("seed", whole("seed", 1, 0, 9999));

const learner = { key: "", model: null, data: null, random: null, order: [], at: 0, steps: 0, losses: [], last: null, running: false };

/** Begin again where points, units or seed are others than they were. */
function readyLearner() {
  const key = `${state.points} ${state.hidden} ${state.seed}`;
  if (learner.key === key) return;
  const data = state.points === "csv" ? ownPoints : pointsOf(state.points, state.seed);
  const model = freshModel(data.names.length, state.hidden, state.seed);
  Object.assign(learner, {
    key, data, model, random: generator(state.seed + 17), order: [], at: 0, steps: 0, last: null, chosen: -1,
    losses: [meanLoss(model, data)],
  });
}

function learnStep() {
  readyLearner();
  const N = learner.data.X.length;
  const batch = nextBatch(learner, N, state.batch === 0 ? N : Math.min(state.batch, N));
  const gradient = gradientOf(learner.model, learner.data, batch);
  learner.model = stepped(learner.model, gradient, state.eta);
  learner.last = gradient;
  learner.steps += 1;
  learner.losses.push(meanLoss(learner.model, learner.data));
  if (!Number.isFinite(learner.losses.at(-1))) stopLearning("The loss is no number any more: the step size is too large. Begin again with a smaller one.");
}

function stopLearning(words) {
  learner.running = false;
  if (words) announce(words);
}

panel({
  id: "learn",
  title: "Learn",
  intro: "Gradient descent with p − y, on points in the plane. Step or run; click a point to load it into the bars and the other panels.",
  build(root) {
    const plane = planeOf();
    const losses = lossPicture();
    const facts = el("p", { class: "facts-line" });
    const legend = el("p", { class: "legend" });
    const products = el("div", { class: "products" });
    const controls = learnControls();
    const [csv, record] = [csvControls(), recordOfLearning()];
    root.append(controls.node, el("div", { class: "learn" }, plane.node, el("div", { class: "beside" }, losses.node, facts, legend)), products, why("dL_dW_entry", "dL_dW"), csv, record.node);
    return () => {
      readyLearner();
      controls.follow();
      plane.follow();
      losses.follow();
      const accuracy = accuracyOf(learner.model, learner.data);
      say(facts, `step ${learner.steps} · mean loss ${text(learner.losses.at(-1))} · ${text(100 * accuracy, 3)} % right`);
      showLegend(legend);
      showProducts(products);
      record.follow();
    };
  },
});

function learnControls() {
  const shown = { blobs: "blobs", rings: "rings", spiral: "spiral", csv: "your CSV" };
  const pick = (label, name, entries, read = Number) => choice(label, entries, () => String(state[name]), (value) => change({ [name]: read(value) }));
  const shape = el("select", { on: { change: () => change({ points: shape.value }) } });
  const rest = [
    pick("hidden units", "hidden", Array.from({ length: 9 }, (_, n) => [n, n === 0 ? "0: softmax regression" : n])),
    pick("step size η", "eta", RATES.map((rate) => [rate, text(rate)])),
    pick("batch", "batch", BATCHES.map((size) => [size, size === 0 ? "all" : size])),
  ];
  const run = button("Run", () => {
    learner.running = !learner.running;
    if (learner.running) requestAnimationFrame(runFrame);
    else sayLearned();
    change({});
  }, { class: "main" });
  return {
    node: el("div", { class: "buttons" }, button("Step", () => { learnStep(); sayLearned(); change({}); }, { class: "main" }), run,
      button("Begin again", () => { learner.key = ""; stopLearning(""); change({}); }),
      button("Other points", () => change({ seed: (state.seed + 1) % 10_000 })),
      el("label", { class: "choice" }, el("span", { class: "label" }, "points"), shape), rest.map(({ node }) => node)),
    follow() {
      const known = FIELDS.get("points").known();
      if (shape.length !== known.length) shape.replaceChildren(...known.map((name) => el("option", { value: name }, shown[name])));
      shape.value = state.points;
      rest.forEach((each) => each.follow());
      say(run, learner.running ? "Pause" : "Run");
      update(run, { "aria-pressed": learner.running });
    },
  };
}

/** Said once a step or a run is over: a screen reader cannot follow sixty a second. */
const sayLearned = () => announce(`Step ${learner.steps}, mean loss ${text(learner.losses.at(-1))}.`, false);

/** One step a frame while it runs and is seen. */
function runFrame() {
  if (!learner.running) return;
  if (state.panel !== "learn") {
    learner.running = false;
    return;
  }
  learnStep();
  change({});
  requestAnimationFrame(runFrame);
}

/** The points over the regions that the model decides for. */
function planeOf() {
  const { size, reach, cells } = PLANE;
  const canvas = el("canvas", { width: cells, height: cells, "aria-hidden": "true" });
  const marks = svg("svg", { viewBox: `0 0 ${size} ${size}`, role: "group", "aria-label": "points; arrow keys go from point to point, Enter loads one" });
  const node = el("div", { class: "plane" }, canvas, marks);
  let key = "";
  let drawn = null;
  const at = (v) => ((v / reach + 1) / 2) * size;
  function follow() {
    if (key !== learner.key) {
      key = learner.key;
      const points = learner.data.X.map((x, n) => markOf(x, n, at));
      marks.replaceChildren(...points);
      roving(points, 1);
    }
    [...marks.children].forEach((mark, n) => mark.classList.toggle("chosen", n === learner.chosen));
    if (drawn !== learner.model) drawRegions(canvas, learner.model);
    drawn = learner.model;
  }
  return { node, follow };
}

function markOf([x, y], n, at) {
  const { y: classes, names } = learner.data;
  const c = classes[n];
  const load = () => loadPoint(n);
  const node = svg("g", {
    transform: `translate(${at(x).toFixed(1)} ${at(-y).toFixed(1)})`, class: "mark", role: "button",
    "aria-label": `point ${n} of class ${names[c]} at ${text(x, 3)}, ${text(y, 3)}`,
    on: {
      click: load,
      keydown: (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        load();
      },
    },
  }, svg("circle", { r: 8, class: "halo" }), svg("path", { d: MARKS[c % MARKS.length], fill: HUES[c] }));
  return node;
}

/** Which mark is which class. */
function showLegend(root) {
  const { names } = learner.data;
  if (root.dataset.names === names.join()) return;
  root.dataset.names = names.join();
  root.replaceChildren(...names.map((name, c) => el("span", {},
    svg("svg", { viewBox: "-6 -6 12 12", width: 14, height: 14, "aria-hidden": "true" }, svg("path", { d: MARKS[c % MARKS.length], fill: HUES[c] })), ` ${name}`)));
}

/** The sample of a point in the bars: its logits, its features and the layer that made them. */
function loadPoint(n) {
  const { X, y, names } = learner.data;
  const x = featuresOf(learner.model, X[n]);
  const z = logitsOf(learner.model, X[n]);
  if (!z.every((value) => Math.abs(value) <= LIMITS.logit)) {
    announce("This point’s logits are beyond what the bars show.");
    return;
  }
  learner.chosen = n;
  change({
    z, x, units: Boolean(learner.model.V), W: learner.model.W, c: y[n], k: y[n], names: [...names], soft: null, added: 0,
    temperature: 1, smoothing: 0, zLoss: 0, softcap: null,
  });
  announce(`Point ${n} of class ${names[y[n]]} is in the bars, the graph, the curve and the Jacobian.`, false);
}

const rgbOf = (hue_) => [1, 3, 5].map((from) => parseInt(hue_.slice(from, from + 2), 16));

function drawRegions(canvas, model) {
  const { cells, reach } = PLANE;
  const context = canvas.getContext("2d");
  const image = context.createImageData(cells, cells);
  const colours = HUES.map(rgbOf);
  for (let row = 0; row < cells; row += 1) {
    for (let column = 0; column < cells; column += 1) {
      const x = [((column + 0.5) / cells) * 2 - 1, 1 - ((row + 0.5) / cells) * 2].map((v) => v * reach);
      const { p } = plainSoftmax(logitsOf(model, x));
      const top = Math.max(...p);
      const c = p.indexOf(top);
      image.data.set([...(colours[c] ?? [0, 0, 0]), 130 * (top - 1 / p.length) / (1 - 1 / p.length) + 12], 4 * (row * cells + column));
    }
  }
  context.putImageData(image, 0, 0);
}

function lossPicture() {
  const path = svg("path", { class: "curve" });
  const top = svg("text", { x: 4, y: 14, class: "tick start" });
  const node = svg("svg", { viewBox: "0 0 240 120", class: "plot small", role: "img" },
    svg("line", { x1: 0, x2: 240, y1: 119, y2: 119, class: "grid" }), path, top);
  return {
    node,
    follow() {
      const every = Math.ceil(learner.losses.length / MOST_LOSSES);
      const shown = learner.losses.filter((_, n) => n % every === 0 || n === learner.losses.length - 1);
      const highest = Math.max(...shown.filter(Number.isFinite), 0.1);
      const x = (n) => (shown.length === 1 ? 0 : (240 * n) / (shown.length - 1));
      update(path, { d: shown.map((L, n) => `${n ? "L" : "M"}${x(n).toFixed(1)} ${(119 - (105 * Math.min(L, highest)) / highest).toFixed(1)}`).join("") });
      say(top, `L from ${text(learner.losses[0], 3)}`);
      update(node, { "aria-label": `mean loss after each of ${learner.steps} steps, now ${text(learner.losses.at(-1))}` });
    },
  };
}

/** (p − y) xᵀ of the last batch's rows, and their mean: ∂L/∂W. Of a hidden layer it is hᵀ. */
function showProducts(root) {
  const [x, isH] = learner.model.V ? ["h", ", h = tanh(V x + a): what the hidden units make of a point x, and the input of W (the lines call it x)"] : ["x", ""];
  if (!learner.last) {
    if (!root.firstChild?.matches?.(".note")) root.replaceChildren(el("p", { class: "note" }));
    say(root.firstChild, `After a step: the outer products (p − y) ${x}ᵀ of its batch, and how they add up to ∂L/∂W${isH}.`);
    return;
  }
  const { rows, dL_dW } = learner.last;
  const outer = rows.map(({ g, x }) => g.map((value) => x.map((feature) => value * feature)));
  const largest = Math.max(...outer.slice(0, SHOWN_PRODUCTS).flat(2).map(Math.abs), 1e-300);
  const left = rows.length - SHOWN_PRODUCTS;
  root.replaceChildren(
    el("h3", {}, `∂L/∂W = (1/N) Σ (p − y) ${x}`, el("sup", {}, "T"), el("span", { class: "note" }, ` of the last batch, N = ${rows.length}${isH}`)),
    el("div", { class: "sum-of-products" }, el("span", { class: "sign" }, `1/${rows.length} · (`),
      outer.slice(0, SHOWN_PRODUCTS).flatMap((matrix, n) => [n ? el("span", { class: "sign" }, "+") : null, matrixPicture(matrix, largest, `point ${rows[n].n}`)]),
      left > 0 ? el("span", { class: "sign" }, `+ ${left} more`) : null,
      el("span", { class: "sign" }, ") ="), matrixPicture(dL_dW, largest, "∂L/∂W")));
}

/** A small matrix: colour by sign and size, numbers where there is room. */
function matrixPicture(matrix, largest, title) {
  const wide = matrix[0].length > 2;
  const [w, h] = wide ? [13, 13] : [44, 17];
  const cells = matrix.flatMap((row, k) => row.map((value, d) => svg("g", {},
    svg("rect", { x: d * w, y: k * h, width: w, height: h, class: `cell-of ${hue(value)}`, "fill-opacity": (0.08 + 0.5 * Math.min(1, Math.abs(value) / largest)).toFixed(3) }),
    wide ? null : svg("text", { x: d * w + w / 2, y: k * h + 12.5 }, text(value, 2)))));
  const [width, height] = [w * matrix[0].length, h * matrix.length];
  const words = matrix.map((row) => row.map((value) => text(value, 3)).join(", ")).join("; ");
  return el("figure", { class: "matrix" },
    svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${title}: ${words}` }, cells),
    el("figcaption", { class: "note" }, title));
}

/** The reader's own points, typed, pasted or from a file. */
function csvControls() {
  const typed = el("textarea", { rows: 5, spellcheck: "false", "aria-label": "points as CSV: number, number, class", placeholder: "x1,x2,class\n0.5,1.2,ash\n…" });
  const take = (words) => {
    try {
      ownPoints = readPoints(words);
      learner.key = "";
      change({ points: "csv" });
      announce(`${ownPoints.X.length} points of ${ownPoints.names.length} classes, each column moved and scaled to go from −1 to 1. A link does not hold them.`, true, takeThem);
    } catch (error) {
      announce(`Your points are not taken: ${error.message}.`, true, takeThem);
    }
  };
  const takeThem = button("Take these points", () => take(typed.value));
  const file = el("input", { type: "file", accept: ".csv,.txt,text/csv", "aria-label": "CSV file", on: { change: () => file.files[0] && file.files[0].size < 200_000 ? file.files[0].text().then(take) : announce("Your points are not taken: expected a file of less than 200 kB.", true, takeThem) } });
  return el("details", { class: "options" }, el("summary", {}, "Your own points"),
    el("div", { class: "body" }, el("p", { class: "note" }, "Two numbers and a class in each line. They stay in this page."), typed,
      el("div", { class: "buttons" }, takeThem, file)));
}

/** Points, weights and the last batch as JSON: to go on with elsewhere. */
function recordOfLearning() {
  const shown = el("textarea", { rows: 6, readonly: true, "aria-label": "points and weights as JSON" });
  const node = el("details", { class: "options", on: { toggle: () => follow() } }, el("summary", {}, "Points and weights as JSON"), el("div", { class: "body" }, shown));
  const follow = () => {
    if (!node.open) return;
    const { data, model, steps, losses, last } = learner;
    shown.value = JSON.stringify({ ...model, X: data.X, y: data.y, steps, loss: losses.at(-1), batch: last ? last.rows.map(({ n }) => n) : [] });
  };
  return { node, follow };
}
