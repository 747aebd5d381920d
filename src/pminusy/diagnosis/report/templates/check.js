// Sorts, filters and opens submissions. All of them are in the page: nothing is asked of anyone.
"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const list = at("submissions"), tools = at("tools"), find = at("find");
  const cards = Array.from(list.children);
  const text = cards.map((card) => card.textContent.toLowerCase());

  function filter() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const status = at("status").value, cluster = at("cluster").value;
    let shown = 0;
    cards.forEach((card, i) => {
      const fits = (!status || card.dataset.status === status)
        && (!cluster || card.dataset.clusters.split(" ").includes(cluster))
        && words.every((word) => text[i].includes(word));
      card.hidden = !fits;
      shown += fits;
    });
    at("shown").textContent = shown + " of " + cards.length + " shown";
  }

  function sort() {
    const by = at("sort").value;
    const number = (card) => Number(card.dataset[by]);
    const name = (card) => card.dataset.name;
    const order = by === "name"
      ? (a, b) => name(a).localeCompare(name(b), undefined, {numeric: true})
      : (a, b) => number(a) - number(b) || Number(a.dataset.number) - Number(b.dataset.number);
    list.append(...cards.slice().sort(order));
  }

  function open() {  // the submission that the address names
    const target = at(location.hash.slice(1));
    const card = target && target.closest("details.card");
    if (!card) return;
    card.hidden = false;
    card.open = true;
    target.focus();
    card.scrollIntoView();
  }

  tools.hidden = false;
  tools.addEventListener("input", filter);
  tools.addEventListener("change", () => { filter(); sort(); });
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("reset", () => setTimeout(() => { filter(); sort(); }));
  at("fold").addEventListener("click", () => {
    const shown = cards.filter((card) => !card.hidden);
    const closed = shown.some((card) => !card.open);
    shown.forEach((card) => { card.open = closed; });
    at("fold").textContent = closed ? "Close those shown" : "Open those shown";
  });
  document.querySelectorAll("button[data-cluster]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      at("cluster").value = button.dataset.cluster;
      filter();
      at("cluster").focus();
    });
  });
  addEventListener("hashchange", open);
  filter();
  open();
})();
