// The grammar of answers, as `questions/grammar.py` has it: text to expressions, arrays whose first
// entry is their kind; or an error with the place where the text stops being a formula.

const LONGEST_ANSWER = 500;
const MEANS = { "−": "-", "–": "-", "·": "*", "×": "*", "⋅": "*", "∗": "*", "÷": "/", "∑": "Σ", "!=": "≠", "’": "'", "{": "(", "}": ")", "**": "^" };
const LOWERED = { "ᵢ": "i", "ⱼ": "j", "ₖ": "k", "ₘ": "m", "ₙ": "n" };
const TOKEN = /(?<space>\s+)|(?<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+|½|𝟏)|(?<name>[A-Za-zŷŶδ]+)|(?<power>[²³])|(?<two>!=|\*\*)|(?<sign>[-−–+*·×⋅∗/÷^=≠()[\]{}|_,.'’∂Σ∑ᵀ])/uy;

class GrammarError extends Error {
  constructor(words, at) {
    super(words);
    this.at = at;
  }
}

function tokensOf(line) {
  const found = [];
  let at = 0;
  while (at < line.length) {
    if (LOWERED[line[at]]) {
      found.push({ kind: "sign", text: "_", at }, { kind: "name", text: LOWERED[line[at]], at });
      at++;
      continue;
    }
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(line);
    if (!match) throw new GrammarError(`'${String.fromCodePoint(line.codePointAt(at))}' has no meaning here`, at);
    const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    if (kind !== "space") found.push({ kind, text: Object.hasOwn(MEANS, match[0]) ? MEANS[match[0]] : match[0], at });
    at = TOKEN.lastIndex;
  }
  return [...found, { kind: "end", text: "", at: line.length }];
}

const indexCount = (n) => ["no index", "one index", "two indices"][n] ?? `${n} indices`;

/** The sides of an answer; `letters` are those of `quiz_data.py`. */
function sidesOf(line, letters) {
  if (line.length > LONGEST_ANSWER) {
    throw new GrammarError(`an answer has at most ${LONGEST_ANSWER} characters, this one has ${line.length.toLocaleString("en")}`, LONGEST_ANSWER);
  }
  const tokens = tokensOf(line.normalize("NFC"));
  let place = 0;
  let depth = 0;
  let bars = 0;
  const now = () => tokens[place];
  const ahead = (by = 1) => tokens[Math.min(place + by, tokens.length - 1)];
  const next = () => (now().kind === "end" ? now() : tokens[place++]);
  const is = (...texts) => now().kind !== "end" && texts.includes(now().text);
  const take = (...texts) => is(...texts) && Boolean(next());
  const fail = (expected) => {
    const found = now().kind === "end" ? "the end" : `“${now().text}”`;
    throw new GrammarError(`expected ${expected}, found ${found}`, now().at);
  };
  const expect = (mark) => take(mark) || fail(`“${mark}”`);
  const canonical = (name) => (name === letters.shown["index c"] ? "c" : name);

  function side() {
    if (++depth > 40) throw new GrammarError("too many parentheses inside each other", now().at);
    const terms = [signedTerm()];
    while (now().kind === "sign" && is("+", "-")) terms.push(signedTerm());
    depth--;
    return terms.length === 1 ? terms[0] : ["+", ...terms];
  }
  function signedTerm() {
    if (take("-")) return ["neg", term()];
    take("+");
    return term();
  }
  function term() {
    let factors = [factor()];
    for (;;) {
      if (take("/")) factors = [["/", factors.length === 1 ? factors[0] : ["*", ...factors], divisor()]];
      else if (take("*")) factors.push(divisor());
      else if (is("|") ? !bars : ["number", "name"].includes(now().kind) || is("(", "∂", "Σ")) factors.push(factor());
      else return factors.length === 1 ? factors[0] : ["*", ...factors];
    }
  }
  const divisor = () => (take("-") ? ["neg", divisor()] : factor());
  function factor() {
    let tree = atom();
    for (;;) {
      if (now().kind === "power") tree = ["^", tree, "²³".indexOf(next().text) + 2];
      else if (is("ᵀ", "'") && next()) tree = ["T", tree];
      else if (is(".") && ahead().text === "T") {
        place += 2;
        tree = ["T", tree];
      } else if (take("^")) tree = raisedTree(tree);
      else return tree;
    }
  }
  function raisedTree(tree) {
    if (take("T")) return ["T", tree];
    const bracket = take("(");
    if (bracket && take("T")) {
      expect(")");
      return ["T", tree];
    }
    const below = take("-");
    if (now().kind !== "number" || !/^\d$/.test(now().text)) fail("a whole power up to 9, or T");
    const made = ["^", tree, Number(next().text)];
    if (bracket) expect(")");
    return below ? ["/", ["num", 1, 1], made] : made;
  }
  function atom() {
    if (now().kind === "number") return numeral();
    if (is("(")) return inBrackets();
    if (take("|")) {
      bars++;
      const tree = side();
      bars--;
      expect("|");
      return ["abs", tree];
    }
    if (take("∂")) {
      const above = is("(") ? inBrackets() : quantity(next());
      expect("/");
      expect("∂");
      return ["d", above, quantity(next())];
    }
    if (is("Σ") || (now().kind === "name" && is("sum", "Sigma"))) return sum();
    if (now().kind === "name") return namedAtom();
    return fail("a quantity or a number");
  }
  function numeral() {
    const token = next();
    if (["1", "𝟏"].includes(token.text) && is("(", "[") && ahead(2).text === "=") {
      const close = { "(": ")", "[": "]" }[next().text];
      const i = index();
      expect("=");
      const j = index();
      expect(close);
      return ["delta", i, j];
    }
    if (token.text === "½") return ["num", 1, 2];
    const digits = token.text.replace(".", "");
    if (digits.length > 6) throw new GrammarError("a number has at most 6 digits", token.at);
    if (!/^\d+$/.test(digits)) throw new GrammarError(`“${token.text}” has no meaning alone`, token.at);
    const places = (token.text.split(".")[1] ?? "").length;
    const [a, b] = fraction(BigInt(digits), 10n ** BigInt(places));
    return ["num", Number(a), Number(b)];
  }
  function inBrackets() {
    expect("(");
    const before = bars;
    bars = 0;
    const tree = side();
    expect(")");
    bars = before;
    return tree;
  }
  function sum() {
    next();
    expect("_");
    const bracket = take("(");
    const runs = index();
    const without = take("≠") ? index() : "";
    if (bracket) expect(")");
    return ["sum", runs, without, body()];
  }
  const body = () => (take("-") ? ["neg", body()] : term());
  function index() {
    if (now().kind !== "name" || now().text.length !== 1) fail("an index, one letter");
    return canonical(next().text);
  }
  function namedAtom() {
    const token = next();
    const name = token.text;
    if (["ln", "log", "exp"].includes(name)) {
      return ["fn", name === "exp" ? "exp" : "ln", take("-") ? ["neg", factor()] : factor()];
    }
    if (name === "e" && take("^")) {
      return ["fn", "exp", is("(") ? inBrackets() : take("-") ? ["neg", atom()] : atom()];
    }
    if (name === "δ" || name === "delta") {
      const at = place;
      const found = indices();
      if (found.length !== 1 || !letters.names[name]) {
        if (found.length !== 2) throw new GrammarError("δ has two indices: δ_ij", token.at);
        return ["delta", ...found];
      }
      place = at;
    }
    const known = Object.hasOwn(letters.names, name);
    if (["N", "K", "D"].includes(name) && !known) return ["size", name];
    if (name[0] === "d" && !known) return plainDerivative(token);
    return quantity(token);
  }
  function plainDerivative(token) {
    const rest = token.text.slice(1);
    const above = rest ? quantity({ text: rest, at: token.at + 1 }) : inBrackets();
    expect("/");
    const below = next();
    if (below.kind !== "name" || below.text[0] !== "d" || below.text.length < 2) {
      throw new GrammarError("a derivative is typed dL/dz_k or ∂L/∂z_k", below.at);
    }
    return ["d", above, quantity({ text: below.text.slice(1), at: below.at + 1 })];
  }
  function quantity({ text: name, at }) {
    if (name === "E" && is("_") && ahead().text === "2") {
      place += 2;
      name = "E_2";
    }
    if (!Object.hasOwn(letters.names, name)) {
      throw new GrammarError(`“${name}” is none of the letters here: ${Object.keys(letters.spaces).map((each) => letters.shown[each]).join(", ")}`, at);
    }
    const meanings = letters.names[name];
    const found = indices();
    const meant = meanings.find((each) => found.length <= letters.spaces[each].length);
    if (meant === undefined) {
      throw new GrammarError(`${name} has ${indexCount(letters.spaces[meanings[0]].length)}, here ${indexCount(found.length)}`, at);
    }
    return ["ref", meant, ...found];
  }
  function indices() {
    if (take("_")) {
      if (take("(")) return until(")");
      if (now().kind !== "name") fail("an index, one letter");
      const found = [...next().text];
      while (is(",") && ahead().kind === "name") {
        next();
        found.push(...next().text);
      }
      return found.map(canonical);
    }
    const found = [];
    while (now().kind === "sign" && take("[")) found.push(...until("]"));
    return found;
  }
  function until(close) {
    const found = [];
    while (!take(close)) {
      if (found.length && take(",")) continue;
      if (now().kind !== "name") fail(`an index or “${close}”`);
      found.push(...[...next().text].map(canonical));
    }
    return found;
  }

  const sides = [side()];
  while (take("=")) sides.push(side());
  if (now().kind !== "end") fail("an operator or the end");
  return sides;
}

const partsOf = (tree) => tree.filter(Array.isArray);
const rebuiltWith = (tree, made) => {
  let at = 0;
  return tree.map((part) => (Array.isArray(part) ? made[at++] : part));
};
const everyPart = (tree) => [tree, ...partsOf(tree).flatMap(everyPart)];
const hasPart = (tree, kind) => everyPart(tree).some((part) => part[0] === kind);

/** Text of an expression in letters, as `questions/expression.py` writes it. */
function writtenTree(tree, shown) {
  const of = (part) => writtenTree(part, shown);
  const held = (part) => (["+", "neg"].includes(part[0]) ? `(${of(part)})` : of(part));
  const factor = (part) => (["+", "neg", "/", "sum", "*"].includes(part[0]) ? `(${of(part)})` : of(part));
  const base = (part) => (["ref", "abs", "size"].includes(part[0]) || (part[0] === "num" && part[2] === 1) ? of(part) : `(${of(part)})`);
  const letters = (names) => names.map((name) => shown[`index ${name}`] ?? name).join("");
  const [kind, a, b] = tree;
  switch (kind) {
    case "num": return b === 1 ? String(a) : `(${a} / ${b})`;
    case "size": return a;
    case "ref": return (shown[a] ?? a) + (tree.length > 2 ? `_${letters(tree.slice(2))}` : "");
    case "delta": return `δ_${letters(tree.slice(1))}`;
    case "+": return tree.slice(2).reduce((line, term) => line + (term[0] === "neg" ? ` − ${held(term[1])}` : ` + ${of(term)}`), of(a));
    case "neg": return `−${held(a)}`;
    case "*": return tree.slice(1).map((part, n, all) => (n === all.length - 1 && part[0] === "sum" ? of(part) : factor(part))).join(" ");
    case "/": return `${factor(a)} / ${factor(b)}`;
    case "^": return `${base(a)}^${b}`;
    case "fn": return a === "exp" ? `e^(${of(b)})` : b[0] === "ref" ? `${a} ${of(b)}` : `${a}(${of(b)})`;
    case "abs": return `|${of(a)}|`;
    case "T": return `${base(a)}ᵀ`;
    case "sum": return `Σ_${b ? `(${letters([a])}≠${letters([b])})` : letters([a])} ${held(tree[3])}`;
    default: return `∂${a[0] === "ref" ? of(a) : `(${of(a)})`}/∂${of(b)}`;
  }
}
