// Sorts and filters the worst-predicted rows, follows one class, reads values off curves.
// Everything is in the page already: without this script it is only still.
"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const all = (selector, inside = document) => Array.from(inside.querySelectorAll(selector));

  // Worst-predicted rows.
  const tools = at("row-tools"), list = at("row-list");
  const cards = list ? all("details.row", list) : [];
  const text = cards.map((card) => card.textContent.toLowerCase());

  function filterRows() {
    const words = at("row-find").value.toLowerCase().split(/\s+/).filter(Boolean);
    const part = at("row-part") ? at("row-part").value : "";
    const k = chosen ? chosen.value : "";
    let shown = 0;
    cards.forEach((card, i) => {
      const fits = (!part || card.dataset[at("row-part").dataset.of] === part)
        && (!k || card.dataset.true === k || card.dataset.rival === k)
        && words.every((word) => text[i].includes(word));
      card.hidden = !fits;
      shown += fits;
    });
    at("row-count").textContent = shown + " of " + cards.length + " rows shown";
  }

  function sortRows() {
    const by = at("row-sort").value;
    const falling = by === "norm";  // the page's own order
    const value = (card) => Number(card.dataset[by]);
    const order = (a, b) => value(a) - value(b) || Number(a.dataset.place) - Number(b.dataset.place);
    const sorted = falling
      ? cards.slice().sort((a, b) => Number(a.dataset.place) - Number(b.dataset.place))
      : cards.slice().sort(order);
    list.append(...sorted);
  }

  // One class, in all tables that know it.
  const chosen = at("class");

  function follow() {
    const k = chosen.value;
    document.body.classList.toggle("one-class", k !== "");
    for (const row of all("tr[data-k]")) row.classList.toggle("followed", row.dataset.k === k);
    for (const table of all("table[data-columns]")) {
      const place = table.dataset.columns.split(" ").indexOf(k);
      const first = Number(table.dataset.first);
      for (const row of table.rows) {
        Array.from(row.cells).forEach((cell, j) => {
          cell.classList.toggle("followed", k !== "" && place >= 0 && j === first + place);
        });
      }
    }
    if (tools) filterRows();
  }

  // Values on curves: the point nearest to the pointer, or moved to by the arrow keys.
  function readable(plot) {
    const points = JSON.parse(plot.dataset.points);
    if (!points.length) return;
    const mark = document.createElementNS(plot.namespaceURI, "circle");
    mark.setAttribute("class", "reading");
    mark.setAttribute("r", "6");
    mark.setAttribute("visibility", "hidden");
    plot.append(mark);
    const said = document.createElement("p");
    said.className = "note reading-text";
    said.setAttribute("role", "status");
    said.textContent = plot.dataset.hint;
    plot.after(said);
    let now = points.length - 1;
    function show(i) {
      now = Math.max(0, Math.min(points.length - 1, i));
      const [x, y, words] = points[now];
      mark.setAttribute("cx", x);
      mark.setAttribute("cy", y);
      mark.setAttribute("visibility", "visible");
      said.textContent = words;
    }
    plot.setAttribute("tabindex", "0");
    plot.addEventListener("pointermove", (event) => {
      const box = plot.getBoundingClientRect(), view = plot.viewBox.baseVal;
      const x = (event.clientX - box.left) * view.width / box.width;
      const y = (event.clientY - box.top) * view.height / box.height;
      // Along the axis first: between curves above each other the nearer one is meant.
      const away = points.map((point) => Math.abs(point[0] - x) + 0.2 * Math.abs(point[1] - y));
      show(away.indexOf(Math.min(...away)));
    });
    plot.addEventListener("keydown", (event) => {
      const step = {ArrowLeft: -1, ArrowRight: 1, Home: -points.length, End: points.length}[event.key];
      if (step === undefined) return;
      event.preventDefault();
      show(mark.getAttribute("visibility") === "hidden" ? now : now + step);
    });
  }

  if (tools && cards.length) {
    tools.hidden = false;
    tools.addEventListener("submit", (event) => event.preventDefault());
    tools.addEventListener("input", filterRows);
    tools.addEventListener("change", () => { filterRows(); sortRows(); });
    filterRows();
  }
  if (chosen) {
    at("class-tools").hidden = false;
    at("class-tools").addEventListener("submit", (event) => event.preventDefault());
    chosen.addEventListener("change", follow);
    if (chosen.value) follow();  // browsers keep what was chosen when a page is loaded again
  }
  all("svg[data-points]").forEach(readable);
})();
