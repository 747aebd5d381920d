// Quiz: questions from the articles' lines. Progress stays in the browser, where it lets pages keep any;
// the key in the link says which questions come in which order.

const PROGRESS = "pminusy-quiz";

field("quizKey", whole("q", 1, 1, 9999));
field("quizArticle", oneOf("qa", "all", () => ["all", ...articles().map(({ id }) => id)]));
field("quizKind", oneOf("qk", "mixed", () => ["mixed", ...Object.keys(QUESTION_KINDS)]));
field("quizAt", whole("qn", 0, 0, 999));

/** What was answered, by question: 2 at once, 1 after a slip, 0 shown. */
const progress = {
  kept: {},
  read() {
    try {
      const kept = JSON.parse(localStorage.getItem(PROGRESS) ?? "{}");
      for (const [id, value] of Object.entries(kept ?? {})) {
        if (/^[a-z]+ \d{3} \d{1,3}$/.test(id) && [0, 1, 2].includes(value)) this.kept[id] = value;
      }
    } catch {
      // no storage here, in a notebook say, or something else in it: it counts while the page is open
    }
  },
  set(id, value) {
    if (id) this.kept[id] ??= value;
    else this.kept = {};
    try {
      localStorage.setItem(PROGRESS, JSON.stringify(this.kept));
    } catch {
      // likewise
    }
  },
  inWords() {
    const values = Object.values(this.kept);
    if (!values.length) return "Nothing answered yet.";
    const [, later, once] = [0, 1, 2].map((each) => values.filter((value) => value === each).length);
    return `${values.length} answered: ${once} at once, ${later} after a slip, ${values.length - once - later} shown.`;
  },
};

panel({
  id: "quiz",
  title: "Quiz",
  intro: "Every question is made of lines that are proved, and says whose they are. Answers are judged by their value, in exact fractions, whatever form they have.",
  build(root) {
    progress.read();
    const again = (patch) => change({ quizAt: 0, ...patch });
    const article = choice("of", [["all", "all articles"], ...articles().map(({ id }) => [id, `article ${id}`])], () => state.quizArticle, (quizArticle) => again({ quizArticle }));
    const kind = choice("kind", [["mixed", "a mixture"], ...Object.entries(QUESTION_KINDS)], () => state.quizKind, (quizKind) => again({ quizKind }));
    const key = numberField({ label: "key", limit: [1, 9999], value: () => state.quizKey, set: (value) => again({ quizKey: Math.round(value) }) });
    const card = el("div", { class: "question" });
    const score = el("p", { class: "note" });
    const forget = button("Forget what I answered", () => {
      progress.set("", 0);
      change({});
    });
    root.append(el("div", { class: "buttons row-of-choices" }, article.node, kind.node, el("label", { class: "choice" }, el("span", { class: "label" }, "key"), key.node)),
      card, el("div", { class: "buttons" }, score, forget),
      el("p", { class: "note" }, "A link with the same key asks the same questions in the same order: change the key, then copy the page’s address."), howToType());
    let asked = "";
    return () => {
      [article, kind, key].forEach((control) => control.follow());
      say(score, progress.inWords());
      forget.disabled = !Object.keys(progress.kept).length;
      const wanted = [state.quizKey, state.quizArticle, state.quizKind, state.quizAt].join();
      if (asked === wanted) return;
      const focused = card.contains(document.activeElement);
      asked = wanted;
      showQuestion(card);
      if (focused) card.querySelector("h3").focus();
    };
  },
});

/** Fill the card with the question whose turn it is. */
function showQuestion(card) {
  const all = questionsOf(state.quizKey, state.quizArticle, state.quizKind);
  const at = Math.min(state.quizAt, all.length - 1);
  if (at < 0) {
    card.replaceChildren(el("p", {}, "This article has no such question: choose another kind."));
    return;
  }
  const question = questionOf(all[at], state.quizKey);
  const { ask } = question;
  const verdict = el("p", { class: "verdict", role: "status" });
  const answer = ANSWERS[ask.answer](ask, () => check());
  const load = question.row && button("Show it in the bars", () => change({ ...question.row, soft: null, names: null, added: 0, temperature: 1, smoothing: 0, zLoss: 0, softcap: null }));
  if (load) load.hidden = true;
  const told = (words, outcome) => {
    verdict.dataset.outcome = outcome;
    formula(verdict, words);
    if (load && ["right", "shown"].includes(outcome)) load.hidden = false;
  };
  let slipped = false;
  const check = () => {
    const found = question.judge(answer.read());
    const sign = { right: "✓ ", offered: "→ " }[found.outcome] ?? "✗ ";
    told(sign + found.words, found.outcome);
    answer.point?.(found.at);
    if (found.outcome === "right") progress.set(question.id, slipped ? 1 : 2);
    if (found.outcome === "wrong" || found.outcome === "not yet") slipped = true;
    change({});
  };
  const next = button("Next question", () => change({ quizAt: (at + 1) % all.length }));
  card.replaceChildren(
    el("h3", { tabindex: -1 }, `${at + 1} of ${all.length} · ${question.source}`),
    formula(el("p", {}), ask.title),
    ...(ask.before ? [lineOf("before", ask.before)] : []), ...(ask.next ? [lineOf("next", ask.next)] : []),
    answer.node, verdict,
    el("div", { class: "buttons" }, button("Check", check, { class: "main" }), button("Show an answer", () => {
      progress.set(question.id, 0);
      told(`One answer: ${question.solution}`, "shown");
      change({});
    }), next, load));
}

const lineOf = (name, line) => el("p", { class: "asked-line" }, el("span", { class: "label" }, name), " ", formula(el("span", {}), line));

/** How each kind of answer is given: its element, and `read`. */
const ANSWERS = {
  text(_, check) {
    const input = el("input", {
      type: "text", class: "answer", "aria-label": "your answer", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
      on: { keydown: (event) => event.key === "Enter" && check() },
    });
    const point = (at) => {
      if (at === undefined) input.removeAttribute("aria-invalid");
      else {
        input.setAttribute("aria-invalid", "true");
        input.focus();
        input.setSelectionRange(at, Math.min(at + 1, input.value.length));
      }
    };
    return { node: input, read: () => input.value, point };
  },
  code() {
    const area = el("textarea", { class: "answer", rows: 6, "aria-label": "your function", spellcheck: "false" });
    return { node: area, read: () => area.value };
  },
  choice({ title, choices }) {
    const boxes = choices.map((_, n) => el("input", { type: "radio", name: "quiz-choice", value: n }));
    const node = el("fieldset", { class: "choices" }, el("legend", { class: "hidden" }, title),
      choices.map((words, n) => el("label", {}, boxes[n], " ", formula(el("span", {}), `${n + 1}  ${words}`))));
    return { node, read: () => (boxes.some(({ checked }) => checked) ? boxes.findIndex(({ checked }) => checked) : null) };
  },
  order({ choices }) {
    const pressed = [];
    const marks = choices.map(() => el("span", { class: "place" }, "–"));
    const buttons = choices.map((words, n) => button("", () => {
      const at = pressed.indexOf(n);
      if (at < 0) pressed.push(n);
      else pressed.splice(at, 1);
      marks.forEach((mark, m) => {
        const place = pressed.indexOf(m);
        say(mark, place < 0 ? "–" : String(place + 1));
        buttons[m].setAttribute("aria-pressed", place >= 0);
      });
    }, { "aria-pressed": "false" }));
    buttons.forEach((each, n) => each.append(marks[n], " ", formula(el("span", {}), choices[n])));
    return { node: el("div", { class: "choices in-order", role: "group", "aria-label": "lines in order" }, buttons), read: () => pressed };
  },
};

const TYPED = [
  ["p_k − y_k", "p_k - y_k, or p[k]-y[k]; letters as in the lines, yhat for ŷ"],
  ["products", "side by side or with *: p_k (1 - p_k), (p - y) x.T"],
  ["fractions", "/ divides by the one factor after it: 1/N sum_i … is (1/N) Σ"],
  ["sums", "sum_j y_j, sum_(j!=k) y_j: up to the next + or −"],
  ["δ", "delta_ij, or 1(i = j)"],
  ["functions", "e^(z_k), exp(z_k), ln p_k, |p_k - y_k|"],
  ["derivatives", "dL/dz_k, d(y_i ln p_i)/dp_i"],
];
const howToType = () => el("details", {}, el("summary", {}, "What you may type"),
  el("dl", { class: "typed" }, TYPED.flatMap(([name, how]) => [el("dt", {}, name), el("dd", {}, how)])));
