// Jacobian: ∂p_i/∂z_j entry by entry, its case line by line with the page's numbers; the sums of its
// rows; each row times ∂L/∂p_i, and what is left where the target is one class: row c.

field("i", whole("i", 0, 0, LIMITS.K[1] - 1));
field("j", whole("j", 1, 0, LIMITS.K[1] - 1));
field("weighted", flag("times"));
field("onlyRow", flag("row"));

panel({
  id: "jacobian",
  title: "Jacobian",
  intro: "Row i, column j: how p_i moves with z_j. Point at an entry, or go from entry to entry with the arrow keys, for its case line by line.",
  build(root) {
    const weighted = toggle("times ∂L/∂p", () => state.weighted, (on) => change({ weighted: on }));
    const onlyRow = toggle("only row c", () => state.onlyRow, (on) => change({ onlyRow: on }));
    const body = el("tbody");
    const head_ = el("thead");
    const foot = el("tfoot");
    const words = el("p", { class: "note" });
    const reasons = [why("jacobian_ones"), why("row_times_jacobian"), why("sparse_chain", "dL_dz_sparse")];
    const detail = el("div", { class: "detail", "aria-live": "off" });
    root.append(el("div", { class: "buttons" }, weighted.node, onlyRow.node),
      el("div", { class: "scroll" }, el("table", { class: "jacobian", "data-q": "dp_dz" }, head_, body, foot)), words, ...reasons, detail);
    let cells = [];
    return (model) => {
      weighted.follow();
      onlyRow.follow();
      if (cells.length !== model.K || head_.dataset.names !== String(state.names)) {
        head_.dataset.names = String(state.names);
        cells = gridOf(model.K, head_, body, foot);
      }
      fillGrid(cells, model, body, foot);
      formula(words, wordsOfJacobian(model));
      const seen = oneRow() ? 2 : state.weighted ? 1 : 0;
      reasons.forEach((reason, n) => (reason.hidden = n !== seen));
      entryInDetail(detail, model);
    };
  },
});

function gridOf(K, head_, body, foot) {
  const classes = Array.from({ length: K }, (_, k) => k);
  head_.parentNode.style.width = `${K > 6 ? K * 2.95 + 4.2 : (K + 2) * 4.2}rem`; // fixed, so that a number that changes moves no other
  head_.replaceChildren(el("tr", {}, el("td", {}, ""), classes.map((j) => el("th", { scope: "col", title: nameOf(j) }, letter("z", nameOf(j)))),
    el("th", { scope: "col", class: "sum" }, "sum")));
  head_.parentNode.classList.toggle("many", K > 6);
  const cells = classes.map((i) => classes.map((j) => el("button", {
    type: "button", on: { pointerenter: () => change({ i, j }), click: () => change({ i, j }) },
  })));
  body.replaceChildren(...classes.map((i) => el("tr", {}, el("th", { scope: "row", title: nameOf(i) }, letter("p", nameOf(i))),
    cells[i].map((cell) => el("td", {}, cell)), el("td", { class: "sum" }))));
  foot.replaceChildren(el("tr", {}, el("th", { scope: "row" }, ""), classes.map(() => el("td", { class: "sum" })), el("td", { class: "sum" })));
  roving(cells.flat(), K, (at) => change({ i: Math.floor(at / K), j: at % K }));
  return cells;
}

/** The entry shown at (i, j): the Jacobian's, or times ∂L/∂p_i. */
function entryShown({ row }, i, j) {
  const entry = jacobianEntry(row, i, j);
  return state.weighted ? (row.q[i] === 0 ? 0 : (-row.q[i] / row.p[i]) * entry) : entry;
}

/** A number with as many digits as a cell has room for: of many classes a tiny one has its power alone. */
function inCell(value, K) {
  if (K <= 6) return text(value, 3);
  const size = Math.abs(value);
  if (size > 0 && size < 1e-9) return `${value < 0 ? "−" : ""}10${raised(Math.round(Math.log10(size)))}`;
  return text(value, size >= 0.01 ? 2 : 1, -3);
}

function fillGrid(cells, model, body, foot) {
  const { K, row } = model;
  const [i0, j0] = [Math.min(state.i, K - 1), Math.min(state.j, K - 1)];
  const values = cells.map((line, i) => line.map((_, j) => entryShown(model, i, j)));
  const largest = Math.max(...values.flat().map(Math.abs)) || 1;
  cells.forEach((line, i) => {
    const left = oneRow() && i !== state.c;
    body.rows[i].classList.toggle("left-out", left);
    line.forEach((cell, j) => {
      const value = values[i][j];
      fillCell(cell, inCell(value, K), shade(value / largest), `∂p_${nameOf(i)}/∂z_${nameOf(j)} = `);
      cell.classList.toggle("chosen", i === i0 && j === j0);
    });
    const sum = values[i].reduce((total, value) => total + value, 0);
    say(body.rows[i].cells[K + 1], Math.abs(sum) < 1e-12 ? "0" : text(sum, 3));
  });
  foot.hidden = !state.weighted;
  if (!state.weighted) return;
  say(foot.rows[0].cells[0], "sum");
  row.dL_dz.forEach((_, j) => {
    const total = values.reduce((sum, line) => sum + line[j], 0);
    const cell = foot.rows[0].cells[j + 1];
    say(cell, inCell(total, K));
    cell.className = `sum ${hue(total)}`;
  });
}

/** A cell's text, colour and name, where they changed: a hundred cells are filled in every frame. */
function fillCell(cell, words, colour, name) {
  const before = fillCell.of.get(cell) ?? {};
  if (before.words !== words || before.name !== name) {
    if (cell.firstChild) cell.firstChild.data = words;
    else cell.textContent = words;
    cell.setAttribute("aria-label", name + words);
  }
  if (before.colour !== colour) cell.style.backgroundColor = colour;
  fillCell.of.set(cell, { words, colour, name });
}
fillCell.of = new WeakMap();

/** Cool below 0, warm above, the stronger the larger: in steps that the eye can tell apart. */
const shade = (share) =>
  share === 0 ? "transparent" : `rgb(var(--${share < 0 ? "cool" : "warm"}) / ${(0.08 + 0.34 * Math.abs(share)).toFixed(2)})`;

/** Whether the target is one class, whose row is all that is needed, and that is asked for. */
const oneRow = () => state.onlyRow && !state.soft && !state.smoothing;

const wordsOfJacobian = (model) => [wordsOfRows(model), transformIsOff() ? "" : `Here ${transformInWords()} The bars show ∂L/∂u.`]
  .filter(Boolean).join(" ");

function wordsOfRows({ row }) {
  if (state.onlyRow && !oneRow()) return "A soft or smoothed target needs every row: each class has a share.";
  if (state.onlyRow) {
    return `With one true class c = ${nameOf(state.c)}, ∂L/∂p is 0 but for −1 / p_c = ${text(-1 / row.p[state.c])}: row c is all that is needed, and the other rows are never computed.`;
  }
  if (state.weighted) {
    const y = targetLetter();
    const pull = state.zLoss ? "; the z-loss adds 2 ζ ln(S) p, straight from z" : "";
    return `Each row times ∂L/∂p_i = −${y}_i / p_i; a column then adds up to p − ${y}${state.zLoss ? pull : ", which is ∂L/∂z"}.`;
  }
  return "Every row adds up to 0: a constant added to all logits moves no probability.";
}

const CASES = {
  own: [
    ["own_quotient", (n) => `(${n.ei} · ${n.S} − ${n.ei} · ${n.ei}) / ${n.S}²`],
    ["own_factored", (n) => `${n.ei} (${n.S} − ${n.ei}) / ${n.S}²`],
    ["own_separated", (n) => `(${n.ei} / ${n.S}) ((${n.S} − ${n.ei}) / ${n.S})`],
    ["own_recognised", (n) => `(${n.ei} / ${n.S}) (1 − ${n.ei} / ${n.S})`],
    ["jacobian_own", (n) => `${n.pi} (1 − ${n.pi})`],
  ],
  other: [
    ["other_quotient", (n) => `(0 · ${n.S} − ${n.ei} · ${n.ej}) / ${n.S}²`],
    ["other_product", (n) => `−${n.ei} · ${n.ej} / ${n.S}²`],
    ["other_separated", (n) => `−(${n.ei} / ${n.S}) (${n.ej} / ${n.S})`],
    ["jacobian_other", (n) => `−${n.pi} · ${n.pj}`],
  ],
};

/** The chosen entry's case: each line as it was proved, with the page's numbers below it. */
function entryInDetail(detail, { row, K }) {
  const [i, j] = [Math.min(state.i, K - 1), Math.min(state.j, K - 1)];
  const kind = i === j ? "own" : "other";
  if (detail.dataset.kind !== kind) {
    detail.dataset.kind = kind;
    detail.replaceChildren(el("h3"), el("p", { class: "checked" }), el("p", { class: "note shifted" }), ...CASES[kind].map(([name]) => {
      const line = provedLine(name);
      line.querySelector("math").after(el("p", { class: "live-line" }));
      return line;
    }));
  }
  const written_ = exponentialsOf(row.z);
  const largest = Math.max(...row.z);
  const { e, S } = written_.fit ? written_ : exponentialsOf(row.z.map((z) => z - largest));
  formula(detail.querySelector(".shifted"), written_.fit ? ""
    : "float64 has no room for e^(z) here. The numbers are those of e^(z − max z) and their sum: the factor e^(−max z) cancels in each line.");
  const numbers = { ei: text(e[i]), ej: text(e[j]), S: text(S), pi: text(row.p[i]), pj: text(row.p[j]) };
  const value = jacobianEntry(row, i, j);
  say(detail.querySelector("h3"), i === j ? `Case 1, the same index: i = j = ${nameOf(i)}` : `Case 2, another index: i = ${nameOf(i)}, j = ${nameOf(j)}`);
  sayAgreement(detail.querySelector(".checked"), agreement(value, quotientOfEntry(row.z, i, j)));
  detail.querySelectorAll(".live-line").forEach((line, n) => say(line, `${CASES[kind][n][1](numbers)} = ${text(value)}`));
}

/** A difference quotient of p_i along z_j. */
function quotientOfEntry(z, i, j, h = 2 ** -13) {
  const p = (step) => {
    const { e, s } = softmaxParts(z.map((value, k) => (k === j ? value + step : value)));
    return rounded(divide(e[i], s));
  };
  return (p(h) - p(-h)) / (z[j] + h - (z[j] - h));
}
