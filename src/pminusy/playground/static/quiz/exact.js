// Exact numbers for the quiz's judge: polynomials with rational coefficients (BigInt) in symbols. At a
// point every e^(z_k) is a prime and every logarithm of a prime a symbol, so that whatever is rational
// in e^z is one fraction. A derivative is the slope of a dual number.

const gcd = (a, b) => {
  while (b) [a, b] = [b, a % b];
  return a < 0n ? -a : a;
};

/** A fraction in lowest terms, [above, below] with below > 0. */
function fraction(above, below) {
  if (!below) throw new RangeError("a divisor is 0");
  const by = gcd(above, below) * (below < 0n ? -1n : 1n);
  return [above / by, below / by];
}

const LARGEST_BITS = 20_000n;

/** Polynomials: a Map from a monomial, "l2^1 u0^-1", to its fraction; no coefficient is 0. */
const constant = (above, below = 1n) => (above ? new Map([["", fraction(above, below)]]) : new Map());
const ONE = constant(1n);
const symbol = (name) => new Map([[`${name}^1`, [1n, 1n]]]);

function plusTerm(into, monomial, [a, b]) {
  const old = into.get(monomial);
  const sum = old ? fraction(old[0] * b + a * old[1], old[1] * b) : [a, b];
  if (sum[0]) into.set(monomial, sum);
  else into.delete(monomial);
}

function joined(one, other) {
  if (!one || !other) return one || other;
  const powers = new Map();
  for (const part of `${one} ${other}`.split(" ")) {
    const [name, power] = part.split("^");
    powers.set(name, (powers.get(name) ?? 0) + Number(power));
  }
  return [...powers].filter(([, power]) => power).sort().map(([name, power]) => `${name}^${power}`).join(" ");
}

const isDual = (value) => !(value instanceof Map);

/** Sum of polynomials or dual numbers {value, slope, level}; a deeper derivative has a higher level. */
function plus(one, other) {
  if (isDual(one) || isDual(other)) {
    const level = Math.max(one.level ?? 0, other.level ?? 0);
    const [a, b] = [atLevel(one, level), atLevel(other, level)];
    return { value: plus(a.value, b.value), slope: plus(a.slope, b.slope), level };
  }
  const sum = new Map(one);
  for (const [monomial, value] of other) plusTerm(sum, monomial, value);
  return sum;
}

function times(one, other) {
  if (isDual(one) || isDual(other)) {
    const level = Math.max(one.level ?? 0, other.level ?? 0);
    const [a, b] = [atLevel(one, level), atLevel(other, level)];
    return { value: times(a.value, b.value), slope: plus(times(a.slope, b.value), times(a.value, b.slope)), level };
  }
  const product = new Map();
  for (const [m, [a, b]] of one) {
    for (const [n, [c, d]] of other) plusTerm(product, joined(m, n), fraction(a * c, b * d));
  }
  return product;
}

const atLevel = (value, level) => (value.level === level ? value : { value, slope: new Map(), level });
const MINUS_ONE = constant(-1n);
const minus = (value) => times(MINUS_ONE, value);

/** 1 / value; that of a sum is a symbol of its own. */
function inverse(value) {
  if (isDual(value)) {
    const over = inverse(value.value);
    return { value: over, slope: minus(times(times(over, over), value.slope)), level: value.level };
  }
  if (value.size !== 1) return named("1/", value);
  const [[monomial, [a, b]]] = value;
  const turned = monomial && monomial.split(" ").map((part) => part.replace(/\^(-?)/, (_, sign) => (sign ? "^" : "^-"))).join(" ");
  return new Map([[turned, fraction(b, a)]]);
}

function power(value, n) {
  let result = ONE;
  for (let i = 0; i < n; i++) {
    result = times(result, value);
    if (!isDual(result)) for (const [, [a]] of result) if (a.toString(16).length * 4 > LARGEST_BITS) throw new RangeError("a number too large");
  }
  return result;
}

/** A symbol for a function of a value that nothing else is known of. */
function named(what, value) {
  if (!value.size) throw new RangeError(`${what} of 0`);
  const key = what + [...value].sort().map(([monomial, [a, b]]) => `${a}/${b} ${monomial}`).join("+");
  if (!named.known.has(key)) named.known.set(key, symbol(`u${named.known.size}`));
  return named.known.get(key);
}
named.known = new Map();

const LARGEST_FACTOR = 2000n;

/** ln of a whole number: the sum over its prime factors. */
function logarithmOfWhole(value) {
  let total = new Map();
  const add = (factor) => (total = plus(total, symbol(`l${factor}`)));
  for (let factor = 2n; factor < LARGEST_FACTOR && value > 1n; factor++) {
    while (value % factor === 0n) {
      add(factor);
      value /= factor;
    }
  }
  if (value > 1n) add(value);
  return total;
}

function logarithm(value) {
  if (isDual(value)) {
    return { value: logarithm(value.value), slope: times(value.slope, inverse(value.value)), level: value.level };
  }
  const plain = value.get("");
  if (value.size !== 1 || !plain) return named("ln", value);
  if (plain[0] < 0n) throw new RangeError("the logarithm of a negative number");
  return plus(logarithmOfWhole(plain[0]), minus(logarithmOfWhole(plain[1])));
}

function exponential(value) {
  if (isDual(value)) {
    const e = exponential(value.value);
    return { value: e, slope: times(e, value.slope), level: value.level };
  }
  let result = ONE;
  const rest = new Map();
  for (const [monomial, [a, b]] of value) {
    const prime = /^l(\d+)\^1$/.exec(monomial);
    if (!prime || b !== 1n) rest.set(monomial, [a, b]);
    else if (a > LARGEST_FACTOR || a < -LARGEST_FACTOR) throw new RangeError("an exponential too large");
    else result = times(result, a < 0n ? constant(1n, BigInt(prime[1]) ** -a) : constant(BigInt(prime[1]) ** a));
  }
  if (!rest.size) return result;
  const [, [first]] = [...rest].sort()[0];
  return times(result, first < 0n ? inverse(named("exp", minus(rest))) : named("exp", rest));
}

/** The sign of a value made of logarithms; of others it is open. */
function signOf(value) {
  while (isDual(value)) value = value.value;
  let total = 0;
  for (const [monomial, [a, b]] of value) {
    let term = Number(a) / Number(b);
    for (const part of monomial ? monomial.split(" ") : []) {
      const found = /^l(\d+)\^(-?\d+)$/.exec(part);
      if (!found) throw new RangeError("the sign of a value is open");
      term *= Math.log(Number(found[1])) ** Number(found[2]);
    }
    total += term;
  }
  return Math.sign(total);
}

const isZero = (value) => (isDual(value) ? isZero(value.value) : value.size === 0);
