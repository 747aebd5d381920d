// Questions of the page's quiz: put together from the lines, the same for the same key. Each has `ask`
// (what to show), `judge` (a verdict on an answer) and `solution`.

const QUESTION_KINDS = { next: "type the next line", rule: "choose the rule", order: "put lines in order", predict: "predict p − y", false: "find the false line", function: "write a function" };
const MIXED_KINDS = ["next", "rule", "next", "false", "predict", "order"];
const PREDICTIONS = 6;

/** The lines of an article, each with its chapter and its title; read once. */
function linesToAsk(article) {
  linesToAsk.read ??= new Map();
  if (!linesToAsk.read.has(article)) {
    const { content } = document.getElementById(`article-${article}`);
    linesToAsk.read.set(article, quizData().lines[article].map((line) => {
      const told = content.querySelector(`[data-line="${line[0]}"]`);
      return { ...judgedLine(line, quizData().letters[article]), article, title: told.querySelector("h4").textContent, chapter: told.closest("section").querySelector("h3").textContent };
    }));
  }
  return linesToAsk.read.get(article);
}

const sourceOf = ({ article, chapter, title }) => `article ${article}, “${chapter}”: ${title}`;
const rulesOf = ({ rules }) => rules.map((rule) => quizData().rules[rule]);
const verdictOf = (outcome, words, slip = "") => ({ outcome, words, slip });

/** Every run of at least three lines of a chapter with one left side, at most five of each. */
function runsOf(lines) {
  const runs = [];
  for (const line of lines) {
    const last = runs.at(-1);
    if (last && last[0].chapter === line.chapter && last[0].left === line.left) last.push(line);
    else runs.push([line]);
  }
  return runs.filter((run) => run.length >= 3).map((run) => run.slice(0, 5));
}

/** How many questions of a kind an article has. */
const COUNT_OF = {
  next: (lines) => lines.length,
  rule: (lines) => rulesAsked(lines).length,
  order: (lines) => runsOf(lines).length,
  predict: () => PREDICTIONS,
  false: (_, article) => quizData().false[article].length,
  function: (lines) => lines.filter(({ name }) => name in quizData().functions).length,
};

const familyOf = (rule) => quizData().families.findIndex((family) => family.includes(rule));
const rulesAsked = (lines) => lines.map((line, n) => ({ line, before: lines[n - 1], rule: line.rules.find((rule) => familyOf(rule) >= 0) }))
  .filter(({ line, before, rule }) => rule !== undefined && before?.chapter === line.chapter);

function shuffled(list, draw) {
  const left = [...list];
  for (let n = left.length - 1; n > 0; n--) {
    const m = draw(n + 1);
    [left[n], left[m]] = [left[m], left[n]];
  }
  return left;
}

/** The questions of a key in their order: [kind, article, number]. */
function questionsOf(key, article, kind) {
  const { draw } = drawing(key * 7919);
  const where = article === "all" ? Object.keys(quizData().lines) : [article];
  const kinds = kind === "mixed" ? MIXED_KINDS : [kind];
  const stock = new Map();
  for (const each of new Set(kinds)) {
    stock.set(each, shuffled(where.flatMap((name) => Array.from({ length: COUNT_OF[each](linesToAsk(name), name) }, (_, n) => [each, name, n])), draw));
  }
  const found = [];
  for (let turn = 0; [...stock.values()].some((left) => left.length); turn++) {
    const next = stock.get(kinds[turn % kinds.length]).pop();
    if (next) found.push(next);
  }
  return found;
}

/** A question, made when it is asked. */
function questionOf([kind, article, n], key) {
  const seed = key * 31 + n;
  return { id: `${kind} ${article} ${n}`, kind, ...MAKE[kind](linesToAsk(article), n, drawing(seed), article) };
}

const choosing = (choices, right, said) => (place) => {
  if (place === null) return verdictOf("unread", "Choose one of them.");
  return place === right ? verdictOf("right", said.right) : verdictOf("wrong", said.wrong(place), said.slip);
};

const MAKE = {
  next(lines, n) {
    const line = lines[n];
    const before = lines[n - 1]?.chapter === line.chapter ? lines[n - 1].text : "";
    let judge;
    return {
      source: sourceOf(line),
      ask: { title: `Type the next line, by: ${rulesOf(line).join(", ") || "what was found so far"}.`, before, next: `${line.left} = ?${line.holdsFor && `   for ${line.holdsFor}`}`, answer: "text" },
      judge: (typed) => (judge ??= new AnswerJudge(line)).verdict(typed),
      solution: line.text,
    };
  },
  rule(lines, n, { draw }) {
    const { line, before, rule } = rulesAsked(lines)[n];
    const own = line.rules.map(familyOf);
    const others = shuffled(quizData().families.filter((family, at) => family.length && !own.includes(at)), draw).slice(0, 3);
    const choices = shuffled([rule, ...others.map((family) => family[draw(family.length)])], draw);
    const words = choices.map((each) => quizData().rules[each]);
    return {
      source: sourceOf(line),
      ask: { title: "Which rule leads from one line to the next?", before: before.text, next: line.text, answer: "choice", choices: words },
      judge: choosing(words, choices.indexOf(rule), { right: "Right.", wrong: (place) => `It is not “${words[place]}”.`, slip: "rule" }),
      solution: quizData().rules[rule],
    };
  },
  order(lines, n, { draw }) {
    const run = runsOf(lines)[n];
    const places = run.map((_, at) => at);
    let mixed = places;
    while (String(mixed) === String(places)) mixed = shuffled(places, draw);
    return {
      source: `article ${run[0].article}, “${run[0].chapter}”: ${run.length} lines`,
      ask: { title: "In which order do these lines follow each other? Press them one after the other.", answer: "order", choices: mixed.map((at) => run[at].text) },
      judge(pressed) {
        if (pressed.length < run.length) return verdictOf("unread", "Press every line once.");
        const wrong = pressed.findIndex((at, place) => mixed[at] !== place);
        if (wrong < 0) return verdictOf("right", "Right.");
        return verdictOf("wrong", wrong ? `It is right up to line ${wrong}.` : "Another line is first.", "order");
      },
      solution: run.map(({ text: line }) => line).join("\n"),
    };
  },
  predict(lines, n, { draw, pick }) {
    const line = lines.find(({ name }) => name === "dL_dz") ?? lines.at(-1);
    const K = pick([2, 3, 3, 4]);
    const z = Array.from({ length: K }, () => (draw(51) - 20) / 10);
    const [c, k] = [draw(K), draw(K)];
    const value = head(z, z.map((_, at) => (at === c ? 1 : 0)), { temperature: 1, softcap: null, smoothing: 0, zLoss: 0 }).dL_dz[k];
    return {
      source: sourceOf(line),
      row: { z, c, k },
      ask: { title: `Logits z = (${z.map((each) => text(each)).join(", ")}), classes counted from 0, true class ${c}. What is p_${k} − y_${k}, sign and size? Within 0.1 is near enough.`, answer: "text" },
      judge: (typed) => judgePrediction(typed, value, k === c),
      solution: text(value, 3),
    };
  },
  false(lines, n, _, article) {
    const [first, place, tampered, slip] = quizData().false[article][n];
    const four = lines.slice(first, first + 4);
    const shown = four.map(({ text: line }, at) => (at === place ? tampered : line));
    const truth = `the slip is ${SLIPS[slip]}. It reads ${four[place].text}`;
    return {
      source: sourceOf(four[place]).replace(/:.*/, ""),
      ask: { title: "Which of these lines is false?", answer: "choice", choices: shown },
      judge: choosing(shown, place, { right: `Right: ${truth}`, wrong: (at) => `Line ${at + 1} holds: it is proved.`, slip: "line" }),
      solution: `line ${place + 1}: ${truth}`,
    };
  },
  function(lines, n) {
    const line = lines.filter(({ name }) => name in quizData().functions)[n];
    return {
      source: sourceOf(line),
      ask: { title: `Write a function in Python with NumPy: ${quizData().functions[line.name]}. Paste it; it is read here, and not run.`, answer: "code" },
      judge(typed) {
        if (typed.length > 20_000) return verdictOf("unread", `At most 20,000 characters, not ${typed.length.toLocaleString("en")}.`);
        const names = [...typed.matchAll(/^\s*def ([A-Za-z_]\w*)\s*\(/gm)].map(([, name]) => name);
        if (!names.length) return verdictOf("unread", "There is no function in it: def softmax(z): …");
        return verdictOf("offered", `To have ${names.slice(0, 5).join(", ")} judged, save it as answer.py and run: pminusy check answer.py`);
      },
      solution: "save it as answer.py, then: pminusy check answer.py",
    };
  },
};

function judgePrediction(typed, value, own) {
  let guess;
  try {
    guess = number(typed.trim().replace(",", "."), -1e9, 1e9);
  } catch {
    return verdictOf("unread", "Type a number with its sign, −0.4 say.");
  }
  if (!guess || guess < 0 !== value < 0) {
    return verdictOf("wrong", own
      ? "The sign: it is the true class, whose p is below 1: a step raises its logit."
      : "The sign: it is not the true class, and p > 0: a step lowers its logit.", "sign");
  }
  if (Math.abs(guess - value) > 0.1) {
    return verdictOf("wrong", `The sign is right; the size is ${Math.abs(value) > Math.abs(guess) ? "larger" : "smaller"}.`, "size");
  }
  return verdictOf("right", `Right: it is ${text(value, 3)}.`);
}
