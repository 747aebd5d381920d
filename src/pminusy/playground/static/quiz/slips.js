// What kind of slip an answer has: the one small change that would make it right, tried in the order of
// SLIPS. The changes are those of `questions/slips.py`.

const SLIPS = {
  sign: "a sign", delta: "a Kronecker δ", index: "an index", "factor 1/N": "the factor 1/N",
  "transposed product": "a product with its factors turned", "range of a sum": "which terms a sum has",
  letter: "one quantity in place of another", number: "a number", power: "a power, or a fraction upside down",
  function: "a logarithm or an exponential", factor: "a factor", term: "a term",
};

function slipOf(answer, judge) {
  const order = Object.keys(SLIPS);
  const changes = [...changesOf(answer, judge.line)].sort((a, b) => order.indexOf(a[0]) - order.indexOf(b[0]));
  const found = changes.find(([, changed]) => judge.holds(changed));
  if (!found) return null;
  const [kind, , part] = found;
  return { kind, words: `The slip is ${SLIPS[kind]}: look at “${writtenTree(part, judge.line.letters.shown)}”.` };
}

const ONE_TREE = ["num", 1, 1];

function* changesOf(answer, { sides, spaces, letters }) {
  const speaksOfC = sides.flatMap(everyPart).some((part) => ["ref", "delta", "sum"].includes(part[0]) && part.slice(1).includes("c"));
  const free = [...Object.keys(spaces), ...(speaksOfC ? ["c"] : [])];
  yield* changesOfWhole(answer, free);
  yield* changesIn(answer, free, true, letters.spaces, buildingBlocks(sides));
}

function buildingBlocks(sides) {
  const found = new Map();
  const keep = (part) => found.set(JSON.stringify(part), part);
  for (const part of sides.flatMap(everyPart)) {
    if (["+", "*", "/"].includes(part[0])) part.slice(1).forEach((each) => keep(each[0] === "neg" ? each[1] : each));
    if (["ref", "delta", "fn"].includes(part[0])) keep(part);
  }
  return [...found.values()].filter((part) => !hasPart(part, "d"));
}

const lettersIn = (tree) =>
  ({ ref: () => tree.slice(2), delta: () => tree.slice(1), sum: () => tree.slice(1, 3).filter(Boolean) })[tree[0]]?.() ?? [];

function renamedTree(tree, made) {
  const first = { ref: 2, delta: 1, sum: 1 }[tree[0]] ?? Infinity;
  return tree.map((part, n) => (Array.isArray(part) ? renamedTree(part, made) : n >= first ? made[part] ?? part : part));
}

function* changesOfWhole(tree, free) {
  const N = ["size", "N"];
  yield ["factor 1/N", ["/", tree, N], tree];
  yield ["factor 1/N", ["*", tree, N], tree];
  yield ["transposed product", ["T", tree], tree];
  const used = [...new Set(everyPart(tree).flatMap(lettersIn))].sort();
  for (const old of used) {
    for (const other of [...free, ...used]) {
      if (other === old) continue;
      yield ["index", renamedTree(tree, { [old]: other }), tree];
      yield ["index", renamedTree(tree, { [old]: other, [other]: old }), tree];
    }
    if (!free.includes(old)) yield ["range of a sum", ["sum", old, "", tree], tree];
  }
}

function* changesIn(tree, scope, isTerm, quantities, blocks) {
  for (const [kind, changed] of changesHere(tree, scope, isTerm, quantities, blocks)) yield [kind, changed, tree];
  const inner = tree[0] === "sum" ? [...scope, tree[1]] : scope;
  const whole_ = partsOf(tree);
  const terms = ["+", "neg", "sum", "fn", "abs"].includes(tree[0]);
  for (const [place, part] of whole_.entries()) {
    for (const [kind, changed, at] of changesIn(part, inner, terms, quantities, blocks)) {
      const twice = tree[0] === "neg" && changed[0] === "neg";
      if (!twice && (tree[0] !== "d" || place === 0 || changed[0] === "ref")) {
        yield [kind, rebuiltWith(tree, whole_.with(place, changed)), at];
      }
    }
  }
}

function* changesHere(tree, scope, isTerm, quantities, blocks) {
  const [kind, a, b] = tree;
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  if (kind === "neg") yield ["sign", a];
  else if (isTerm) yield ["sign", ["neg", tree]];
  if (kind === "delta") {
    yield ["delta", ONE_TREE];
    yield ["delta", ["num", 0, 1]];
    yield ["delta", ["+", ONE_TREE, ["neg", tree]]];
  }
  for (const [place, i] of scope.entries()) {
    for (const j of scope.slice(0, place)) {
      if (same(tree, ONE_TREE)) yield ["delta", ["delta", i, j]];
      else if (isTerm && kind !== "neg") yield ["delta", ["*", tree, ["delta", i, j]]];
    }
  }
  if (kind === "ref" || kind === "delta") {
    const first = kind === "ref" ? 2 : 1;
    for (let place = first; place < tree.length; place++) {
      for (const other of scope) if (other !== tree[place]) yield ["index", tree.with(place, other)];
    }
    if (tree.length === first + 2) yield ["index", [...tree.slice(0, first), tree[first + 1], tree[first]]];
  }
  yield* turnedProducts(tree);
  if (kind === "sum") {
    for (const other of ["", ...scope]) if (other !== b) yield ["range of a sum", ["sum", a, other, tree[3]]];
    yield ["range of a sum", tree[3]];
    for (const other of scope) yield ["index", ["sum", other, b, tree[3]]];
  }
  if (kind === "ref") {
    for (const [name, spaces] of Object.entries(quantities)) {
      if (name !== a && spaces.length >= tree.length - 2) yield ["letter", ["ref", name, ...tree.slice(2)]];
    }
  }
  if (kind === "num") {
    for (const [x, y] of [[a + b, b], [a - b, b], [2 * a, b], [a, 2 * b]]) yield ["number", ["num", x, y]];
  } else if (isTerm) {
    yield ["number", ["*", ["num", 2, 1], tree]];
    yield ["number", ["/", tree, ["num", 2, 1]]];
  }
  yield* changedPowers(tree);
  if (kind === "fn") {
    yield ["function", b];
    yield ["function", ["fn", a === "exp" ? "ln" : "exp", b]];
  } else if (kind === "ref" || kind === "sum") {
    yield ["function", ["fn", "ln", tree]];
    yield ["function", ["fn", "exp", tree]];
  }
  if (kind === "+" || kind === "*") {
    for (let place = 1; place < tree.length; place++) {
      const rest = tree.toSpliced(place, 1);
      yield [kind === "+" ? "term" : "factor", rest.length === 2 ? rest[1] : rest];
    }
  } else if (kind === "/") {
    yield ["factor", a];
    yield ["factor", ["/", ONE_TREE, b]];
  }
  if (!isTerm) return;
  for (const block of blocks) {
    yield ["factor", ["*", tree, block]];
    if (block[0] !== "+") yield ["factor", ["/", tree, block]];
    if (kind !== "neg") {
      yield ["term", ["+", tree, block]];
      yield ["term", ["+", tree, ["neg", block]]];
    }
  }
}

function* turnedProducts(tree) {
  const [kind, a] = tree;
  if (kind === "size") {
    yield ["factor 1/N", ONE_TREE];
    for (const size of ["N", "K", "D"]) if (size !== a) yield ["factor 1/N", ["size", size]];
  }
  if (kind === "T") yield ["transposed product", a];
  if (kind !== "*") return;
  for (let place = 1; place < tree.length - 1; place++) {
    const pair = [tree[place], tree[place + 1]];
    for (const [one, two] of [pair, pair.toReversed()]) {
      for (const x of [one, ["T", one]]) {
        for (const y of [two, ["T", two]]) {
          if (x !== pair[0] || y !== pair[1]) yield ["transposed product", tree.toSpliced(place, 2, x, y)];
        }
      }
    }
  }
}

function* changedPowers(tree) {
  const [kind, a, b] = tree;
  if (kind === "^") {
    yield ["power", a];
    yield ["power", ["^", a, b + 1]];
    if (b > 1) yield ["power", ["^", a, b - 1]];
  } else if (["ref", "sum", "+", "abs", "fn"].includes(kind)) yield ["power", ["^", tree, 2]];
  if (kind === "/") {
    yield ["power", ["/", b, a]];
    yield ["power", ["*", a, b]];
  }
}
