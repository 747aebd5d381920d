// Numbers as unevaluated sums [hi, lo] of two float64, as in core/twofold.py: about 106 bits, from
// IEEE operations alone. What this file calls "pair" is what Python calls Twofold.

/** Powers of two that `expScaled` carries, so that e^x may underflow without losing its digits. */
const EXP_BITS = 512;
const STEPS = 64; // 2^(j/64), j = 0 … 63, are tabulated
const FIXED = 240n; // bits after the point in the constants below

const finite = (error) => (Number.isFinite(error) ? error : 0); // ∞ + x is ∞, not NaN
const pair = (value) => (Array.isArray(value) ? value : [value, 0]);

function twoSum(a, b) {
  const s = a + b;
  const t = s - a;
  return [s, a - (s - t) + (b - t)];
}

function normalised(hi, lo) {
  const error = finite(lo);
  const s = hi + error;
  return [s, finite(error - (s - hi))];
}

function split(a) {
  const c = 134217729 * a; // 2^27 + 1
  const high = c - (c - a);
  return [high, a - high];
}

function twoProduct(a, b) {
  const product = a * b;
  const [ah, al] = split(a);
  const [bh, bl] = split(b);
  return [product, ah * bh - product + ah * bl + al * bh + al * bl];
}

const negate = ([hi, lo]) => [-hi, -lo];

function add(left, right) {
  const [a, b] = [pair(left), pair(right)];
  let [hi, error] = twoSum(a[0], b[0]);
  const [lo, rest] = twoSum(a[1], b[1]);
  [hi, error] = normalised(hi, finite(error) + lo);
  return normalised(hi, error + rest);
}

const subtract = (left, right) => add(left, negate(pair(right)));

function multiply(left, right) {
  const [a, b] = [pair(left), pair(right)];
  const [hi, error] = twoProduct(a[0], b[0]);
  return normalised(hi, error + (a[0] * b[1] + a[1] * b[0]));
}

function divide(left, right) {
  const [a, b] = [pair(left), pair(right)];
  const first = a[0] / b[0];
  const rest = subtract(a, multiply(b, first));
  return normalised(first, rest[0] / b[0]);
}

/** Sum in the order of Python's: the first half and the second, term by term, until one is left. */
function sumOf(pairs) {
  let left = pairs.length ? pairs : [[0, 0]];
  while (left.length > 1) {
    const half = left.length >> 1;
    const folded = left.slice(0, half).map((value, k) => add(value, left[half + k]));
    left = folded.concat(left.slice(2 * half));
  }
  return left[0];
}

/** x · 2^n, rounded once: 2^n alone may be no float. */
const ldexp = (x, n) => (n >= -1000 ? x * 2 ** n : x * 2 ** -1000 * 2 ** Math.max(n + 1000, -1074));

const scaled = ([hi, lo], n) => [ldexp(hi, n), finite(ldexp(lo, n))];

/** Fixed-point BigInt to the pair nearest to it. */
function pairOfFixed(value, bits = FIXED) {
  const hi = Number(value) / 2 ** Number(bits);
  const rest = value - BigInt(hi * 2 ** 52) * 2n ** (bits - 52n);
  return [hi, Number(rest) / 2 ** Number(bits)];
}

function squareRoot(n) {
  let root = 1n << BigInt(Math.ceil(n.toString(2).length / 2));
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** ln 2 / 64 in three parts (n times the first two is exact), and 2^(j/64) as pairs. */
const EXP = (() => {
  const one = 1n << FIXED;
  let ln2 = 0n; // 2 artanh(1/3)
  for (let n = 1n, power = (2n * one) / 3n; power > 0n; n += 2n, power /= 9n) ln2 += power / n;
  const step = ln2 / BigInt(STEPS);
  const parts = [];
  let left = step;
  for (let n = 0; n < 3; n += 1) {
    const shift = BigInt(Math.max(left.toString(2).length - 34, 0));
    const part = (left >> shift) << shift;
    parts.push(Number(part) / 2 ** Number(FIXED));
    left -= part;
  }
  let root = 2n * one;
  for (let n = 0; n < 6; n += 1) root = squareRoot(root << FIXED); // 2^(1/64)
  const table = [];
  for (let j = 0, power = one; j < STEPS; j += 1, power = (power * root) >> FIXED) {
    table.push(pairOfFixed(power));
  }
  return { parts, table };
})();

/** e^x · 2^512 of a pair x ≤ 0; 0 far below the last number that is not. */
function expScaled(x) {
  const [c1, c2, c3] = EXP.parts;
  if (Number.isNaN(x[0])) return [NaN, 0];
  const hi = Math.max(x[0], -2000);
  const n = Math.round(hi * (1 / c1));
  const [high, low] = twoSum(hi - n * c1, -(n * c2));
  const f = normalised(high, low + ((hi === x[0] ? x[1] : 0) - n * c3));
  let tail = 1 / 5040;
  for (const divisor of [720, 120, 24, 6, 2]) tail = tail * f[0] + 1 / divisor;
  const k = Math.floor(n / STEPS);
  const power = EXP.table[n - k * STEPS];
  const result = add(power, multiply(power, add(f, f[0] * f[0] * tail)));
  return scaled(result, k + EXP_BITS);
}

/** ln(1 + x) · 2^512 from x · 2^512 ≥ 0. */
function log1pScaled(x) {
  if (x[0] < 2 ** (EXP_BITS - 110)) return x; // here ln(1 + x) = x to 2^−110
  return scaled(log1p(scaled(x, -EXP_BITS)), EXP_BITS);
}

function log1p(x) {
  if (x[0] <= 1 / 32) {
    const t = divide(x, add(x, 2)); // 2 artanh(t)
    const square = t[0] * t[0];
    let tail = 0;
    for (const divisor of [11, 9, 7, 5, 3]) tail = square * (tail + 1 / divisor);
    return multiply(add(t, multiply(t, tail)), 2);
  }
  const start = pair(Math.log1p(x[0])); // one Newton step: y + (1 + x) e^(−y) − 1
  const e = scaled(expScaled(negate(start)), -EXP_BITS);
  return add(start, subtract(multiply(add(x, 1), e), 1));
}
