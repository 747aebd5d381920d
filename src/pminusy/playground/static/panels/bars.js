// Bars: the logits to drag; p beside y, p − y as arrows, the loss; options; what adding a constant does,
// and what happens to the formula without the shift. It is always seen, beside the panels.

const ARROW = 56; // half the width of the drawing of an arrow, for a gradient of 1

function barsPanel(root) {
  const rows = el("div", { class: "rows" });
  const head = el("div", { class: "row head", "aria-hidden": "true" },
    ["true class", "", "", ""].map((title) => el("span", {}, title)));
  const [, headOfLogit, headOfP, headOfGradient] = head.children;
  const loss = lossLine();
  const parts = [optionControls(), additionControls(), naiveTable()];
  let made = [];
  root.append(
    el("div", { class: "bars-top" }, el("h2", {}, "Bars"), classControls()), head, rows, loss.node,
    buttonsOfBars(), ...parts.map(({ node }) => node));
  return (model) => {
    if (made.length !== model.K) {
      made = Array.from({ length: model.K }, (_, k) => classRow(k));
      if (rows.contains(notice)) announce("");
      rows.replaceChildren(...made.map(({ node }) => node));
    }
    const range = [10, 100, LIMITS.logit].find((limit) => state.z.every((z) => Math.abs(z) <= limit));
    say(headOfLogit, `${logitLetter()} logit${state.added ? ", a not added yet" : ""}`);
    say(headOfP, `p and ${targetLetter()}`);
    say(headOfGradient, optionsAreOff() ? "p − y" : `∂L/∂${logitLetter()}`);
    made.forEach((row) => row.follow(model, range));
    loss.follow(model);
    parts.forEach((part) => part.follow(model));
  };
}

function classControls() {
  const count = el("output", { class: "count" });
  const step = (by) => () => changeClasses(state.z.length + by);
  const less = button("−", step(-1), { "aria-label": "One class less", class: "square" });
  const more = button("+", step(1), { "aria-label": "One class more", class: "square" });
  listeners.push(() => {
    say(count, `K = ${state.z.length}`);
    less.disabled = state.z.length <= LIMITS.K[0];
    more.disabled = state.z.length >= LIMITS.K[1];
  });
  return el("span", { class: "stepper" }, less, count, more);
}

/** The same logits with a class less or more. */
function changeClasses(K) {
  if (K < LIMITS.K[0] || K > LIMITS.K[1]) return;
  change({ z: Array.from({ length: K }, (_, k) => state.z[k] ?? 0) });
}

const withEntry = (list, k, value) => list.map((old, j) => (j === k ? value : old));

/** One class: its name, its logit, its probability beside the target, its gradient. */
function classRow(k) {
  const set = (value) => change({ z: withEntry(state.z, k, value), k });
  const range = el("input", {
    type: "range", step: 0.01, "data-q": "z", class: "logit",
    on: { input: () => set(Number(range.value)), focus: () => change({ k }) },
  });
  const exact = numberField({
    label: `Logit of class ${nameOf(k)}, exactly`, limit: [-LIMITS.logit, LIMITS.logit],
    value: () => state.z[k], set,
  });
  const name = el("span", { class: "name" });
  const radio = el("input", {
    type: "radio", name: "true-class", value: k, on: { change: () => change({ c: k }) },
  });
  const weight = el("input", {
    type: "range", min: 0, max: 1, step: 0.01, class: "weight",
    on: { input: () => change({ soft: withEntry(state.soft, k, Number(weight.value)) }) },
  });
  const probability = el("div", { class: "bar fill probability", "data-q": "p" });
  const target = el("div", { class: "bar target", "data-q": "y" });
  const pText = el("span", { class: "value", "data-q": "p" });
  const gradient = arrow();
  const gText = el("span", { class: "value signed", "data-q": "dL_dz" });
  const node = el("div", { class: "row", role: "group" },
    el("label", { class: "who" }, radio, name), weight,
    el("div", { class: "logit-cell" }, range, exact.node),
    el("div", { class: "p-cell" }, el("div", { class: "track" }, probability, target), pText),
    el("div", { class: "g-cell" }, gradient.node, gText));

  function follow({ row, y, options }, limit) {
    const [p, g, q] = [row.p[k], row.dL_du[k], options.smoothing ? row.q[k] : y[k]];
    say(name, nameOf(k));
    update(node, { "aria-label": `class ${nameOf(k)}` });
    node.classList.toggle("chosen", k === state.k);
    radio.checked = !state.soft && k === state.c;
    radio.hidden = Boolean(state.soft);
    weight.hidden = !state.soft;
    update(radio, { "aria-label": `class ${nameOf(k)} is the true one` });
    update(weight, { "aria-label": `target of class ${nameOf(k)}` });
    if (state.soft) weight.value = state.soft[k];
    update(range, {
      min: -limit, max: limit, "aria-label": `logit of class ${nameOf(k)}`,
      "aria-valuetext": `${text(state.z[k])}; p ${text(p)}, gradient ${text(g)}`,
    });
    if (Number(range.value) !== state.z[k]) range.value = state.z[k];
    exact.follow();
    probability.style.transform = `scaleX(${p})`;
    target.style.width = `${100 * q}%`;
    target.hidden = q === 0;
    say(pText, text(p));
    gradient.follow(g);
    say(gText, text(g));
    gText.className = `value signed ${hue(g)}`;
  }
  return { node, follow };
}

/** An arrow from the middle: left and cool for a gradient below 0, right and warm above. */
function arrow() {
  const line = svg("path", { class: "shaft" });
  const node = svg("svg", {
    viewBox: `${-ARROW - 6} -9 ${2 * ARROW + 12} 18`, class: "arrow", "aria-hidden": "true", "data-q": "dL_dz",
  }, svg("line", { y1: -9, y2: 9, class: "axis" }), line);
  function follow(g) {
    const shown = Number.isFinite(g) ? Math.max(-1.05, Math.min(1.05, g)) : 0;
    const tip = shown * ARROW;
    const side = Math.sign(tip);
    const neck = side * Math.max(Math.abs(tip) - 7, 0);
    update(line, {
      d: Math.abs(tip) < 0.4 ? "" : `M0 -3 H${neck} V-7 L${tip} 0 L${neck} 7 V3 H0 Z`,
      class: `shaft ${hue(g)}`,
    });
  }
  return { node, follow };
}

function lossLine() {
  const value = el("strong", { "data-q": "L" });
  const formula = el("span", { class: "note" });
  const checked = el("span", { class: "checked" });
  const options_ = el("span", { class: "note" });
  const node = el("p", { class: "loss" }, letter("L"), " = ", value, " ", formula, checked, options_);
  function follow({ row, u, y, options }) {
    say(value, text(row.L, 5));
    say(formula, optionsAreOff() && !state.soft ? lossInNumbers(row, state.c) : "");
    say(options_, gradientInWords());
    const said = u.map((_, k) => agreement(row.dL_du[k], quotient(u, y, options, k)));
    sayAgreement(checked, said.find((words) => words !== AGREES) ?? AGREES);
  }
  return { node, follow };
}

/** −ln p_c in numbers that give L: a p close to 0 or 1 has lost its digits. */
function lossInNumbers({ p, rest, z, lse }, c) {
  if (p[c] < LEAST_NORMAL) return `= ln S − z = ${text(lse)} − ${z[c] < 0 ? `(${text(z[c])})` : text(z[c])}: p is too small for a float64`;
  return p[c] > 0.999 ? `= −ln(1 − ${text(rest[c])})` : `= −ln ${text(p[c])}`;
}

function buttonsOfBars() {
  return el("div", { class: "buttons" },
    button("One gradient step", gradientStep, { title: "z − (p − y)" }),
    button("Random logits", () => change({ z: state.z.map(() => Math.round((Math.random() * 8 - 4) * 10) / 10) })),
    button("As it opened", () => change(structuredClone(OPENING))));
}

/** z − ∂L/∂z: the true class goes up, the others go down. */
function gradientStep() {
  const { row } = modelOf();
  const bounded = (value) => Math.max(-LIMITS.logit, Math.min(LIMITS.logit, value));
  const z = state.z.map((value, k) => bounded(Number((value - row.dL_du[k]).toPrecision(6))));
  const before = row.L;
  change({ z });
  announce(`Loss ${text(before)} before the step, ${text(modelOf().row.L)} after it.`, false);
}

function optionControls() {
  const of = (name) => ({ value: () => state[name], set: (value) => change({ [name]: value }) });
  const sliders = [
    slider({ label: "temperature", symbol: "T", min: 0.1, max: 5, step: 0.05, limit: [0.05, 20], ...of("temperature") }),
    slider({ label: "label smoothing", symbol: "ε", min: 0, max: 1, step: 0.01, ...of("smoothing") }),
    slider({ label: "z-loss", symbol: "ζ", min: 0, max: 1, step: 0.01, limit: [0, 10], ...of("zLoss") }),
    slider({
      label: "soft-cap", symbol: "κ", min: 0.5, max: 50, step: 0.5, limit: [0.1, 1000],
      value: () => state.softcap ?? 30, set: (value) => change({ softcap: value }),
    }),
  ];
  const capped = toggle("cap the logits", () => state.softcap !== null,
    (on) => change({ softcap: on ? 5 : null }));
  const soft = toggle("soft target", () => state.soft !== null,
    (on) => change({ soft: on ? state.z.map((_, k) => (k === state.c ? 0.8 : 0.2 / (state.z.length - 1))) : null }));
  const node = el("details", { class: "options" }, el("summary", {}, "Options of the loss"),
    el("div", { class: "body" }, el("div", { class: "toggles" }, soft.node, capped.node), sliders.map((each) => each.node)));
  return {
    node,
    follow() {
      sliders.forEach((each) => each.follow());
      capped.follow();
      soft.follow();
      sliders[3].node.hidden = state.softcap === null;
      if (!optionsAreOff() || state.soft) node.open = node.open || !node.dataset.seen;
      node.dataset.seen = "1";
    },
  };
}

/** Add a to all logits: the numbers that do not move stand beside it. */
function additionControls() {
  const control = slider({
    label: "added to every logit", symbol: "a", min: -1000, max: 1000, step: 1,
    value: () => state.added, set: (value) => change({ added: value }),
  });
  const words = el("p", { class: "note" });
  const reason = why("shift");
  reason.firstChild.after(el("p", { class: "note" }, "In this line a is taken off every logit; to add it is to take off −a."));
  return {
    node: el("div", { class: "addition" }, control.node, words, reason),
    follow({ u, y, options, row }) {
      control.follow();
      reason.hidden = Boolean(state.zLoss) || state.softcap !== null;
      const without = head(state.z, y, options);
      const moved = Math.max(...row.p.map((p, k) => Math.abs(p - without.p[k])));
      const still = moved < 1e-9 && Math.abs(row.L - without.L) < 1e-9 * Math.max(1, row.L);
      const a = `With ${text(state.added)} added to all, the logits are ${u.map((v) => text(v, 7)).join(", ")}`;
      formula(words, !state.added
        ? reason.hidden ? "Add any number to all logits." : `Add any number to all logits: e^(${state.temperature === 1 ? "a" : "a / T"}) is a factor of every e^(z) and of their sum, and cancels.`
        : still ? `${a}; p, L and every gradient at the logits stay as they were.`
          : `${a}. ${state.zLoss ? "The z-loss holds" : "The cap bends"} the logits themselves, so something moves.`);
    },
  };
}

/** The formula as it is written, e^z over the sum, in float64: what overflows. */
function naiveTable() {
  const control = toggle("the formula without the shift", () => state.naive, (on) => change({ naive: on }));
  const body = el("tbody");
  const caption = el("p", { class: "note" });
  const table = el("div", { class: "scroll" }, el("table", { class: "naive" },
    el("thead", {}, el("tr", {}, ["class", "eᶻ", "eᶻ / S", "with the shift"].map((title) => el("th", { scope: "col" }, title)))), body));
  const reason = why("shifted_lse");
  const far = button("Logits of 1,000", () => change({ added: 1000 - Math.max(...state.z), naive: true }));
  return {
    node: el("div", { class: "overflow" }, control.node, far, table, caption, reason),
    follow({ row }) {
      control.follow();
      table.hidden = caption.hidden = reason.hidden = !state.naive;
      if (!state.naive) return;
      const { e, S } = exponentialsOf(row.z);
      body.replaceChildren(...e.map((value, k) => el("tr", {},
        el("th", { scope: "row" }, nameOf(k)), el("td", { class: Number.isFinite(value) ? "" : "broken" }, text(value)),
        el("td", { class: Number.isFinite(value / S) ? "" : "broken" }, text(value / S)), el("td", {}, text(row.p[k])))));
      say(caption, Number.isFinite(S) && S > 0
        ? `S = ${text(S)}. It overflows from z = 709.8 on: press “Logits of 1,000”.`
        : S === 0 ? "S = 0: every eᶻ is too small for a float64, and 0 / 0 is NaN. With the largest logit taken off first, the largest term is e⁰ = 1."
          : "S = ∞, and ∞ / ∞ is NaN. With the largest logit taken off first, the largest term is e⁰ = 1.");
    },
  };
}
