// Whether an answer is right: both sides at points of exact numbers, K = 2, 3 and 4, every true class.
// Written apart from `questions/judge.py`; a test holds the two to the same verdicts.

class ShapeError extends Error {}

const NO_SHAPE = ["", ""];

/** Letters of indices that no sum binds. */
function freeLetters(tree) {
  const own = tree[0] === "ref" ? tree.slice(2) : tree[0] === "delta" ? tree.slice(1) : [];
  const below = partsOf(tree).flatMap(freeLetters);
  if (tree[0] !== "sum") return [...new Set([...own, ...below])];
  return [...new Set([...below.filter((letter_) => letter_ !== tree[1]), ...(tree[2] ? [tree[2]] : [])])];
}

/** The set that a letter runs through, by where it stands. */
function spaceOf(wanted, tree, spaces) {
  if (tree[0] === "ref") return spaces[tree[1]][tree.slice(2).indexOf(wanted)] ?? "";
  if (tree[0] === "sum" && tree[1] === wanted) return "";
  for (const part of partsOf(tree)) {
    const found = spaceOf(wanted, part, spaces);
    if (found) return found;
  }
  return "";
}

/** Every quantity at a point, by its definition, from those that are given or moved. */
class Point {
  constructor(given, sizes, spaces, c, level = 0) {
    Object.assign(this, { given, sizes, spaces, c, level, made: new Map() });
  }

  /** Entries of a quantity in order. */
  of(name) {
    if (this.given[name]) return this.given[name];
    if (!this.made.has(name)) this.made.set(name, DEFINED[name](this));
    return this.made.get(name);
  }

  shape(name) {
    return [...this.spaces[name]].map((space) => this.sizes[space]);
  }

  /** The same with one entry moved by ε. */
  moved(name, at) {
    const level = this.level + 1;
    const entries = [...this.of(name)];
    entries[at] = { value: entries[at], slope: ONE, level };
    return new Point({ ...this.given, [name]: entries }, this.sizes, this.spaces, this.c, level);
  }
}

const totalOf = (values) => values.reduce(plus, new Map());
const rowsOf = (values, size) => Array.from({ length: values.length / size }, (_, n) => values.slice(n * size, (n + 1) * size));
const dotted = (one, other) => totalOf(one.map((value, n) => times(value, other[n])));
const half = constant(1n, 2n);
const logitsBy = (W, x, b) => W.map((row, k) => plus(dotted(row, x), b[k]));

const DEFINED = {
  z: (at) => logitsBy(rowsOf(at.of("W"), at.sizes.D), at.of("x"), at.of("b")),
  S_e: (at) => [totalOf(at.of("z").map(exponential))],
  lse: (at) => [logarithm(totalOf(at.of("z").map(exponential)))],
  p: (at) => {
    const e = at.of("z").map(exponential);
    const over = inverse(totalOf(e));
    return e.map((value) => times(value, over));
  },
  error: (at) => at.of("y").map((y, k) => minus(times(y, logarithm(at.of("p")[k])))),
  E2: (at) => [times(half, totalOf(at.of("p").map((p, k) => power(plus(p, minus(at.of("y")[k])), 2))))],
  g: (at) => at.of("p").map((p, k) => plus(p, minus(at.of("y")[k]))),
  L: (at) => at.given.X
    ? [times(totalOf(at.of("L_n")), constant(1n, BigInt(at.sizes.N)))]
    : [totalOf(at.of("y").map((y, k) => minus(times(y, logarithm(at.of("p")[k])))))],
  Z: (at) => rowsOf(at.of("X"), at.sizes.D).flatMap((x) => logitsBy(rowsOf(at.of("W"), at.sizes.D), x, at.of("b"))),
  P: (at) => rowsOf(at.of("Z"), at.sizes.K).flatMap((z) => {
    const e = z.map(exponential);
    const over = inverse(totalOf(e));
    return e.map((value) => times(value, over));
  }),
  L_n: (at) => rowsOf(at.of("Z"), at.sizes.K).map((z, n) => {
    const lse = logarithm(totalOf(z.map(exponential)));
    return dotted(rowsOf(at.of("Y"), at.sizes.K)[n], z.map((value) => plus(lse, minus(value))));
  }),
};

/** Numbers that are drawn anew for each point, the same on every page. */
function drawing(seed) {
  let a = seed >>> 0;
  const draw = (n) => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
  return { draw, pick: (list) => list[draw(list.length)] };
}

const POINT_PRIMES = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

function pointOf(line, K, c, seed) {
  const { draw, pick } = drawing(97 * K + 13 * c + seed + (line.batch ? 1000 : 0));
  const [D, N] = [2, 3];
  const left = [...POINT_PRIMES];
  const logits = Array.from({ length: K }, () => symbol(`l${left.splice(draw(left.length), 1)[0]}`));
  const times_ = (n, make) => Array.from({ length: n }, make);
  const oneHot = (own) => times_(K, (_, k) => (k === own ? ONE : new Map()));
  const entry = () => constant(BigInt(pick([-1, 1]) * (1 + draw(9))), BigInt(2 + draw(4)));
  const sizes = { K, D, N };
  if (line.batch) {
    const given = {
      X: times_(N * D, () => constant(BigInt(pick([-2, -1, 1, 2])))),
      W: times_(K * D, () => times(constant(BigInt(pick([-2, -1, 1, 2]))), symbol("l2"))),
      b: logits,
      Y: times_(N, () => oneHot(draw(K))).flat(),
    };
    return new Point(given, sizes, line.letters.spaces, c);
  }
  const given = { x: times_(D, entry), W: times_(K * D, entry), y: oneHot(c) };
  const wx = rowsOf(given.W, D).map((row) => dotted(row, given.x));
  given.b = logits.map((z, k) => plus(z, minus(wx[k])));
  if (!line.layer) given.z = logits;
  return new Point(given, sizes, line.letters.spaces, c);
}

/** A value: its shape in words ("K" rows, "" for one), and its entries by row. */
const scalar = (value) => ({ shape: NO_SHAPE, rows: [[value]] });
const isScalar = ({ shape }) => !shape[0] && !shape[1];
const mapped = ({ shape, rows }, act) => ({ shape, rows: rows.map((row) => row.map(act)) });
const transposedValue = ({ shape, rows }) => ({ shape: [shape[1], shape[0]], rows: rows[0].map((_, j) => rows.map((row) => row[j])) });

function valueOf(tree, at, where, scope) {
  const of = (part) => valueOf(part, at, where, scope);
  const one = (part, what) => {
    const value = of(part);
    if (!isScalar(value)) throw new ShapeError(`${what} is taken of a number here, not of an array`);
    return value.rows[0][0];
  };
  const [kind, a, b] = tree;
  switch (kind) {
    case "num": return scalar(constant(BigInt(a), BigInt(b)));
    case "size": return scalar(constant(BigInt(at.sizes[a])));
    case "ref": return entriesOf(tree, at, where, scope);
    case "delta": return scalar(deltaOf(a, b, where, scope) ? ONE : new Map());
    case "neg": return mapped(of(a), minus);
    case "+": {
      const terms = tree.slice(1).map(of);
      const { shape } = terms.find((term) => !isScalar(term)) ?? terms[0];
      if (terms.some((term) => String(term.shape) !== String(shape))) throw new ShapeError("the terms of a sum have different shapes");
      return terms.reduce((sum, term) => ({ shape, rows: sum.rows.map((row, i) => row.map((value, j) => plus(value, term.rows[i][j]))) }));
    }
    case "*": return tree.slice(1).map(of).reduce(productOf);
    case "/": {
      const below = of(b);
      if (!isScalar(below)) throw new ShapeError("nothing is divided by an array here");
      const over = inverse(below.rows[0][0]);
      return mapped(of(a), (value) => times(value, over));
    }
    case "^": return scalar(power(one(a, "a power"), b));
    case "fn": return scalar((a === "exp" ? exponential : logarithm)(one(b, a)));
    case "abs": {
      const value = one(a, "an absolute value");
      return scalar(signOf(value) < 0 ? minus(value) : value);
    }
    case "T": return transposedValue(of(a));
    case "sum": return sumValue(tree, at, where, scope);
    default: return derivativeValue(tree, at, where, scope);
  }
}

const SETS = { K: "classes", D: "features", N: "samples" };

function inSet(name, space, scope) {
  if (name !== "c" && (scope[name] ?? space) !== space) {
    throw new ShapeError(`${name} runs through ${SETS[scope[name]]} and ${SETS[space]}`);
  }
}

function entriesOf([, name, ...indices], at, where, scope) {
  const spaces = at.spaces[name];
  indices.forEach((index, n) => inSet(index, spaces[n], scope));
  const left = spaces.slice(indices.length);
  const count = [...left].reduce((n, space) => n * at.sizes[space], 1);
  const first = indices.reduce((n, index, place) => n * at.sizes[spaces[place]] + where[index], 0) * count;
  const values = at.of(name).slice(first, first + count);
  if (left.length === 2) return { shape: [...left], rows: rowsOf(values, at.sizes[left[1]]) };
  return { shape: [left, ""], rows: values.map((value) => [value]) };
}

function deltaOf(i, j, where, scope) {
  const [one, other] = i === "c" || j === "c" ? ["K", "K"] : [scope[i] ?? "K", scope[j] ?? "K"];
  inSet(i, one, scope);
  inSet(j, other, scope);
  if (one !== other) throw new ShapeError(`δ compares ${i} and ${j}, which run through different sets`);
  return where[i] === where[j];
}

const inWords = (shape) => shape.map((space) => space || "1").join(" × ");

function productOf(one, other) {
  if (isScalar(one)) return mapped(other, (value) => times(one.rows[0][0], value));
  if (isScalar(other)) return mapped(one, (value) => times(value, other.rows[0][0]));
  if (one.shape[1] !== other.shape[0]) {
    throw new ShapeError(`${inWords(one.shape)} times ${inWords(other.shape)} does not fit: one of them is to be transposed`);
  }
  const columns = transposedValue(other).rows;
  return { shape: [one.shape[0], other.shape[1]], rows: one.rows.map((row) => columns.map((column) => dotted(row, column))) };
}

function sumValue([, index, without, body], at, where, scope) {
  if (index === "c") throw new ShapeError("the letter of the true class does not run");
  const space = spaceOf(index, body, at.spaces) || "K";
  if (without) inSet(without, space, scope);
  const terms = Array.from({ length: at.sizes[space] }, (_, n) =>
    valueOf(body, at, { ...where, [index]: n }, { ...scope, [index]: space }));
  return terms.filter((_, n) => !without || n !== where[without]).reduce(
    (sum, term) => ({ shape: term.shape, rows: sum.rows.map((row, i) => row.map((value, j) => plus(value, term.rows[i][j]))) }),
    mapped(terms[0], () => new Map()),
  );
}

const slopeAt = (value, level) => (value.level === level ? value.slope : new Map());

function derivativeValue([, of, by], at, where, scope) {
  const [, name, ...indices] = by;
  const spaces = at.spaces[name];
  indices.forEach((index, n) => inSet(index, spaces[n], scope));
  const left = spaces.slice(indices.length);
  const count = [...left].reduce((n, space) => n * at.sizes[space], 1);
  const first = indices.reduce((n, index, place) => n * at.sizes[spaces[place]] + where[index], 0) * count;
  const slopes = Array.from({ length: count }, (_, n) => {
    const moved = at.moved(name, first + n);
    return mapped(valueOf(of, moved, where, scope), (value) => slopeAt(value, moved.level));
  });
  if (!left) return slopes[0];
  if (isScalar(slopes[0])) {
    const values = slopes.map(({ rows }) => rows[0][0]);
    if (left.length === 2) return { shape: [...left], rows: rowsOf(values, at.sizes[left[1]]) };
    return { shape: [left, ""], rows: values.map((value) => [value]) };
  }
  const [rows, columns] = slopes[0].shape;
  if ((rows && columns) || left.length === 2) throw new ShapeError("a matrix by an array is not written here");
  const entries = slopes.map((slope) => slope.rows.flat());
  return { shape: [rows || columns, left], rows: entries[0].map((_, i) => entries.map((column) => column[i])) };
}

/** Judges answers to one line: {sides, letters, spaces, conditions, batch, layer}. */
class AnswerJudge {
  constructor(line) {
    this.line = line;
    this.points = [2, 3, 4].flatMap((K) => Array.from({ length: K }, (_, c) => c).flatMap((c) => [0, 1].map((seed) => pointOf(line, K, c, seed))));
    this.targets = new Map();
  }

  verdict(typed) {
    let sides;
    try {
      sides = sidesOf(typed, this.line.letters);
    } catch (error) {
      if (!(error instanceof GrammarError)) throw error;
      return { outcome: "unread", words: error.message, slip: "", at: error.at };
    }
    const wrong = sides.find((side) => !this.holds(side));
    if (wrong) return this.ofWrong(wrong);
    const missing = this.notYet(sides[sides.length - 1]);
    if (missing) return { outcome: "not yet", words: missing, slip: "" };
    const same = sameForm(sides[sides.length - 1]) === sameForm(this.line.sides[this.line.sides.length - 1]);
    return { outcome: "right", words: same ? "Right." : "Right, in other words than the article’s.", slip: "" };
  }

  /** Whether an expression is equal to the line's at every point. */
  holds(side) {
    return this.whyNot(side) === null;
  }

  /** null where it is equal; else what is said. */
  whyNot(side) {
    try {
      return this.points.every((at, n) => this.equalAt(side, at, n)) ? null : "That is not equal to the line.";
    } catch (error) {
      if (error instanceof ShapeError) return `That does not fit: ${error.message}.`;
      if (error instanceof RangeError) return "That is not equal to the line.";
      throw error;
    }
  }

  equalAt(side, at, n) {
    const { spaces, sides } = this.line;
    const strange = freeLetters(side).filter((name) => !(name in spaces) && name !== "c").sort()[0];
    if (strange) throw new ShapeError(`${strange} is no index of this line`);
    return this.places(at).every((where, m) => {
      const key = `${n} ${m}`;
      if (!this.targets.has(key)) this.targets.set(key, valueOf(sides[sides.length - 1], at, where, spaces));
      const [asked, found] = [this.targets.get(key), valueOf(side, at, where, spaces)];
      const flat = (value) => (value.shape.includes("") ? String(value.shape.filter(Boolean)) : String(value.shape));
      if (flat(asked) !== flat(found) || asked.shape.includes("") !== found.shape.includes("")) throw new ShapeError("the two sides have different shapes");
      const entries = found.rows.flat();
      return asked.rows.flat().every((value, i) => isZero(plus(value, minus(entries[i]))));
    });
  }

  /** Every choice of the line's indices that its conditions allow. */
  places(at) {
    const { spaces, conditions } = this.line;
    let found = [{ c: at.c }];
    for (const [name, space] of Object.entries(spaces)) {
      found = found.flatMap((where) => Array.from({ length: at.sizes[space] }, (_, n) => ({ ...where, [name]: n })));
    }
    return found.filter((where) => conditions.every(([i, sign, j]) => (where[i] === where[j]) === (sign === "=")));
  }

  ofWrong(side) {
    const words = this.whyNot(side);
    const slip = slipOf(side, this);
    return { outcome: "wrong", words: slip ? `${words} ${slip.words}` : words, slip: slip?.kind ?? "" };
  }

  notYet(answer) {
    const { sides } = this.line;
    const asked = sides[sides.length - 1];
    if (sameForm(answer) === sameForm(sides[0])) return "True, but that is where the line begins: what does it come to?";
    if (hasPart(answer, "d") && !hasPart(asked, "d")) return "True, but a derivative is still to be taken.";
    if (hasPart(answer, "sum") && !hasPart(asked, "sum")) return "True, but there is a sum that can be worked out.";
    return "";
  }
}

/** One text for sums and products that differ in the order of their parts. */
const sameForm = (tree) => JSON.stringify(orderedTree(tree));
function orderedTree(tree) {
  const made = tree.map((part) => (Array.isArray(part) ? orderedTree(part) : part));
  if (made[0] !== "+" && made[0] !== "*") return made;
  const flat = made.slice(1).flatMap((part) => (part[0] === made[0] ? part.slice(1) : [part]));
  return [made[0], ...flat.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))];
}
