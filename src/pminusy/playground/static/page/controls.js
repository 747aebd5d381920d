// Controls that panels share: a number with a slider, a switch, a button, a roving focus.

/**
 * A slider beside a field for the exact number.
 * @param {{label: string, symbol?: string, min: number, max: number, step: number, limit?: number[],
 *   value: () => number, set: (value: number) => void, hint?: string}} of
 *   `limit` is what the field takes; the slider's range may be narrower.
 */
function slider({ label, symbol, min, max, step, limit = [min, max], value, set, hint }) {
  const range = el("input", {
    type: "range", min, max, step, "aria-label": label,
    on: { input: () => set(Number(range.value)) },
  });
  const exact = numberField({ label: `${label}, exactly`, limit, value, set });
  const heading = el("span", { class: "label" }, symbol ? [letter(symbol), " "] : [], label);
  const node = el("div", { class: "slider" }, heading, range, exact.node,
    ...(hint ? [el("span", { class: "note" }, hint)] : []));
  const follow = () => {
    if (document.activeElement !== range || Number(range.value) !== value()) range.value = value();
    exact.follow();
  };
  return { node, range, follow };
}

/** A field for one number; what is no number or out of range is said and not taken. */
function numberField({ label, limit, value, set }) {
  const input = el("input", {
    type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", class: "number",
    "aria-label": label,
  });
  const take = () => {
    try {
      const taken = number(input.value, ...limit);
      input.removeAttribute("aria-invalid");
      announce("");
      set(taken);
    } catch (error) {
      input.setAttribute("aria-invalid", "true");
      announce(`${label}: ${error.message}.`, true, input);
    }
  };
  input.addEventListener("change", take);
  input.addEventListener("keydown", (event) => event.key === "Enter" && take());
  input.addEventListener("blur", () => {
    input.removeAttribute("aria-invalid");
    follow();
  });
  const follow = () => {
    if (document.activeElement === input) return;
    const whole = String(value());
    const shown = whole.length > 7 ? String(Number(value().toPrecision(4))) : whole;
    if (input.value !== shown) input.value = shown;
  };
  return { node: input, follow };
}

function toggle(label, value, set) {
  const box = el("input", { type: "checkbox", on: { change: () => set(box.checked) } });
  return { node: el("label", { class: "toggle" }, box, " ", label), follow: () => (box.checked = value()) };
}

const button = (label, act, more = {}) =>
  el("button", { type: "button", ...more, on: { click: act } }, label);

/** One choice of a few. */
function choice(label, entries, value, set) {
  const select = el("select", { on: { change: () => set(select.value) } },
    entries.map(([id, title]) => el("option", { value: id }, title)));
  return {
    node: el("label", { class: "choice" }, el("span", { class: "label" }, label), select),
    follow: () => (select.value = value()),
  };
}

/** One stop of the Tab key for many elements: arrow keys move between them. */
function roving(nodes, columns, focused = () => {}) {
  nodes.forEach((node, at) => {
    node.setAttribute("tabindex", at === 0 ? 0 : -1);
    node.addEventListener("focus", () => {
      nodes.forEach((other) => other.setAttribute("tabindex", other === node ? 0 : -1));
      focused(at);
    });
    node.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
      if (step === undefined || !nodes[at + step]) return;
      event.preventDefault();
      nodes[at + step].focus();
    });
  });
}

const live = el("p", { class: "hidden", role: "status", "aria-live": "polite" });
const notice = el("p", { class: "notice", role: "status" });
notice.hidden = true;

/**
 * Said to everybody, or (`shown` false) to screen readers alone. It stands below the control that it
 * is about, else at the top; there screen readers are told by `live`, since a region that moves is mute.
 */
function announce(words, shown = true, control = null) {
  if (!shown || control) say(live, words);
  if (!shown) return;
  const place = control?.closest(".row, .slider, .buttons") ?? live;
  if (place.nextSibling !== notice) place.after(notice);
  say(notice, words);
  notice.hidden = !words;
}
