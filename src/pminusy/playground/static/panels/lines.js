// Lines: the derivation of any article, in its letters; a symbol under the pointer, or a letter chosen
// below, lights up in the pictures.

const OWN_NUMBERS = "own";
const LETTERS = [["z", "z"], ["e", "eᶻ"], ["S_e", "S"], ["p", "p"], ["y", "y"], ["L", "L"], ["dL_dp", "∂L/∂p"], ["dp_dz", "∂p/∂z"], ["dL_dz", "∂L/∂z"], ["x", "x"]];
/** What a quantity of a line is in the pictures, where that is not its own name. */
const PICTURED = { dL_du: "dL_dz", s: "S_e", S: "S_e", ln_p: "p" };

field("article", oneOf("lines", OWN_NUMBERS, () => [OWN_NUMBERS, ...articles().map(({ id }) => id)]));

const articles = () =>
  [...document.querySelectorAll("template[id^=article-]")].map((template) => ({
    id: template.id.replace("article-", ""), says: template.dataset.says, template,
  }));

panel({
  id: "lines",
  title: "Lines",
  intro: "Every line proved, in the order and the letters of an article. Point at a symbol and it lights up beside.",
  build(root) {
    const derivation = document.getElementById("derivation"); // from here on it stands in this panel
    const which = choice("told by", [[OWN_NUMBERS, "this page, with its opening numbers"], ...articles().map(({ id, says }) => [id, `article ${id}: ${says}`])],
      () => state.article, (article) => change({ article }));
    const letters = el("div", { class: "letters", role: "group", "aria-label": "light up a quantity" }, LETTERS.map(([name, shown]) =>
      button(shown, () => lightUp(alight === name ? "" : name), { "data-light": name, "aria-pressed": "false" })));
    const body = el("div", { class: "told" });
    const note = el("p", { class: "note" });
    root.append(which.node, note, letters, body);
    const told = new Map([[OWN_NUMBERS, [...derivation.childNodes]]]);
    derivation.replaceChildren();
    root.addEventListener("pointerover", followPointer);
    return () => {
      which.follow();
      if (body.dataset.article === state.article) return;
      body.dataset.article = state.article;
      say(note, state.article === OWN_NUMBERS
        ? "The numbers in these lines are those that the page opened with; they do not follow the bars. The letters hold for any numbers."
        : "These lines have letters alone: they hold for any numbers.");
      if (!told.has(state.article)) {
        const { template } = articles().find(({ id }) => id === state.article);
        told.set(state.article, [...template.content.cloneNode(true).childNodes]);
      }
      body.replaceChildren(...told.get(state.article));
    };
  },
});

/** The symbol under the pointer; what a button lit stays until a symbol is met. */
function followPointer(event) {
  const symbol = event.target.closest("math [data-q]");
  if (symbol) lightUp(symbol.dataset.q);
  else if (event.target.closest("math")) lightUp("");
}

let alight = "";

/** Light a quantity up wherever it is drawn; "" for none. */
function lightUp(name) {
  if (alight === name) return;
  alight = name;
  const drawn = PICTURED[name] ?? name;
  for (const node of document.querySelectorAll("[data-q]")) {
    node.classList.toggle("lit", Boolean(name) && (node.dataset.q === drawn || node.dataset.q === name));
  }
  for (const letter_ of document.querySelectorAll("[data-light]")) {
    update(letter_, { "aria-pressed": letter_.dataset.light === name || letter_.dataset.light === drawn });
  }
}
