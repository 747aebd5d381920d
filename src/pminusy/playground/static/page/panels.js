// Panels: each file of one calls `panel` when it is loaded, and the page makes tabs of them in that
// order. `build` fills an element once and returns what brings it up to date, called with the model
// of `modelOf` in every frame in which something changed and the panel is seen.

const PANELS = [];

/**
 * @param {{id: string, title: string, intro: string, build: (root: Element) => (model: Object) => void}} made
 */
function panel(made) {
  PANELS.push({ ...made, update: null });
}

field("panel", oneOf("panel", "graph", () => PANELS.map(({ id }) => id)));

/** The list of tabs and their panels; arrow keys go from tab to tab. */
function tabs() {
  const list = el("div", { role: "tablist", "aria-label": "Panels", class: "tabs" });
  const bodies = PANELS.map((each) => {
    const tab = el("button", {
      role: "tab", type: "button", id: `tab-${each.id}`, "aria-controls": `panel-${each.id}`,
      on: { click: () => change({ panel: each.id }) },
    }, each.title);
    const body = el("section", {
      role: "tabpanel", id: `panel-${each.id}`, "aria-labelledby": `tab-${each.id}`, class: "panel",
    }, el("h2", { class: "in-print" }, each.title), formula(el("p", { class: "note" }), each.intro));
    Object.assign(each, { tab, body, update: each.build(body) });
    list.append(tab);
    return body;
  });
  list.addEventListener("keydown", moveAlongTabs);
  return [list, ...bodies];
}

function moveAlongTabs(event) {
  const at = PANELS.findIndex(({ id }) => id === state.panel);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: PANELS.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const next = PANELS[(to + PANELS.length) % PANELS.length];
  change({ panel: next.id });
  next.tab.focus();
}

/** Show the chosen panel and bring it up to date; on paper all are. */
function updatePanels(model, all = false) {
  for (const { id, tab, body, update: follow } of PANELS) {
    const chosen = id === state.panel;
    update(tab, { "aria-selected": chosen, tabindex: chosen ? 0 : -1 });
    body.hidden = !chosen;
    if (chosen || all) follow(model);
  }
}
