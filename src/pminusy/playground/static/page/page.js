// The page: bars beside the panels, one frame after a change, the link, what is said.

const OPENING = {};
/** What changes where readers only point: a message outlives it. */
const POINTED_AT = new Set(["k", "i", "j"]);

/** Put the page's parts in place and keep them up to date. */
function start() {
  const root = document.getElementById("play");
  const { csv, ...given } = JSON.parse(document.getElementById("opening").textContent);
  if (csv) {
    ownPoints = readPoints(csv);
    Object.assign(given, { points: "csv", panel: "learn" });
  }
  change(given);
  const bars = el("section", { class: "bars", "aria-label": "Bars" });
  const followBars = barsPanel(bars);
  root.append(live, notice, el("div", { class: "stage" }, bars, el("div", { class: "panels" }, tabs())));
  root.hidden = false;
  document.documentElement.classList.add("moving");
  for (const name of FIELDS.keys()) OPENING[name] = structuredClone(state[name]);
  takeLink();

  const heading = document.querySelector(".top .note");
  const headingAlone = heading.textContent;
  let waiting = false;
  const frame = () => {
    waiting = false;
    const model = modelOf();
    formula(heading, gradientInWords() || headingAlone);
    followBars(model);
    updatePanels(model);
    keepLink();
    sayLater(model);
  };
  listeners.push((patch) => {
    if (Object.keys(patch).some((name) => !POINTED_AT.has(name))) announce("");
    if (!waiting) requestAnimationFrame(frame);
    waiting = true;
  });
  addEventListener("hashchange", takeLink);
  addEventListener("beforeprint", () => updatePanels(modelOf(), true));
  change({});
  frame();
}

/** The state that a link carries; what of it is not ours is left out, with a line. */
function takeLink() {
  const link = (location.hash || "").slice(1);
  if (!link || link === keepLink.last) return;
  const [first, ...others] = readLink(link, OPENING);
  const more = others.length ? `, and ${others.length} more` : "";
  announce(first ? `Some of the link’s settings are left out: ${first}${more}.` : "");
}

/** Write the link once changes pause: browsers limit how often it may change. */
function keepLink() {
  clearTimeout(keepLink.timer);
  keepLink.timer = setTimeout(() => {
    const link = written(OPENING);
    if (link === keepLink.last || (!keepLink.last && unchanged())) return;
    keepLink.last = link;
    try {
      history.replaceState(null, "", `#${link}`);
    } catch {
      // in a notebook the page has no address of its own
    }
  }, 400);
}

const unchanged = () =>
  [...FIELDS.keys()].every((name) => JSON.stringify(state[name]) === JSON.stringify(OPENING[name]));

/** To screen readers, what the numbers are once they rest. */
function sayLater({ row }) {
  clearTimeout(sayLater.timer);
  const { k } = state;
  const words = `Loss ${text(row.L)}; class ${nameOf(k)}: p ${text(row.p[k])}, gradient ${text(row.dL_du[k])}.`;
  sayLater.said ??= words; // of the page as it opens, which is read as it stands
  sayLater.timer = setTimeout(() => {
    if (sayLater.said !== words) announce(words, false);
    sayLater.said = words;
  }, 700);
}

start();
