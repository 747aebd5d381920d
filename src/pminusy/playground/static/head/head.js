// The head once more, in the exact form of core/head.py: logits u and a target in; loss, gradient and
// curvature out. With S = Σ q_k, below_k = m − z_k, e_k = e^(−below_k), others_k = Σ_(j≠k) e_j:
//   L     = Σ q_k below_k + S log1p(rest) + ζ S lse²
//   dL_dz = ((S − q_k) e_k − q_k others_k) / s + 2 ζ S lse p
//   dL_du = t dL_dz

/** Logits that the softmax sees: z = κ tanh(u / κ) / T. */
function transformed(u, { temperature = 1, softcap = null }) {
  const capped = softcap === null ? u : u.map((v) => softcap * Math.tanh(v / softcap));
  return temperature === 1 ? capped : capped.map((v) => v / temperature);
}

/** t = dz/du as a product that cannot underflow: dL_dz · sech²(u / κ) / T. */
function throughTransform(gradient, u, { temperature = 1, softcap = null }) {
  let value = gradient;
  if (softcap !== null) {
    const decay = scaled(expScaled(negate(divide(pair(Math.abs(u)), softcap))), -EXP_BITS);
    const sech = multiply(divide(decay, add(multiply(decay, decay), 1)), 2);
    value = multiply(multiply(value, sech), sech);
  }
  return temperature === 1 ? value : divide(value, temperature);
}

/** Target mass of the row: (1 − ε) y + ε / K, as pairs. */
function massOf(y, smoothing) {
  if (smoothing === 0) return y.map(pair);
  const [own, spread] = [subtract(1, smoothing), divide(pair(smoothing), y.length)];
  return y.map((share) => add(multiply(own, share), spread));
}

/** What every formula of the softmax is made of; e, others and logs carry 2^512. */
function softmaxParts(z) {
  const m = Math.max(...z);
  const top = z.indexOf(m);
  const below = z.map((value) => normalised(...twoSum(m, -value)));
  const e = below.map((value) => expScaled(negate(value)));
  const rest = sumOf(e.map((value, k) => (k === top ? [0, 0] : value)));
  const total = add(rest, 2 ** EXP_BITS);
  const others = e.map((value, k) => (k === top ? rest : subtract(total, value)));
  const logs = log1pScaled(rest);
  const s = scaled(total, -EXP_BITS);
  return { m, below, e, others, logs, s, lse: add(scaled(logs, -EXP_BITS), m) };
}

const rounded = (value, n = -EXP_BITS) => ldexp(value[0], n);

/**
 * One row of the head.
 * @param {number[]} u logits as given
 * @param {number[]} y target, one number a class
 * @param {{temperature?: number, softcap?: ?number, smoothing?: number, zLoss?: number}} options
 * @returns z, p, q, S (of q), L, dL_dz, dL_du, lse, and `rest`: 1 − p, each rounded once
 */
function head(u, y, options = {}, z = transformed(u, options)) {
  const { smoothing = 0, zLoss = 0 } = options;
  const row = softmaxParts(z);
  const q = massOf(y, smoothing);
  const S = sumOf(q);
  let plain = sumOf(q.map((share, k) => (share[0] === 0 ? [0, 0] : multiply(share, row.below[k]))));
  if (zLoss) plain = add(plain, multiply(multiply(multiply(S, row.lse), row.lse), zLoss));
  const loss = add(plain, scaled(multiply(S, row.logs), -EXP_BITS));
  const dL_dz = z.map((_, k) => {
    const step = multiply(subtract(S, q[k]), row.e[k]);
    let value = divide(subtract(step, multiply(q[k], row.others[k])), row.s);
    if (zLoss && row.e[k][0] !== 0) {
      const pull = multiply(multiply(S, row.e[k]), multiply(row.lse, 2 * zLoss));
      value = add(value, divide(pull, row.s));
    }
    return value;
  });
  return {
    z,
    p: row.e.map((value) => rounded(divide(value, row.s))),
    rest: row.others.map((value) => rounded(divide(value, row.s))),
    q: q.map((value) => value[0]),
    S: S[0],
    L: loss[0],
    lse: row.lse[0],
    dL_dz: dL_dz.map((value) => rounded(value)),
    dL_du: dL_dz.map((value, k) => rounded(throughTransform(value, u[k], options))),
  };
}

/** ∂p_i/∂z_j = p_i (δ_ij − p_j), with 1 − p_i as it was summed. */
const jacobianEntry = ({ p, rest }, i, j) => (i === j ? p[i] * rest[i] : -(p[i] * p[j]));

/** ∂²L/∂u_k² of a row: how the tangent of the curve turns. */
function curvature(row, u, k, options = {}) {
  const { temperature = 1, softcap = null, zLoss = 0 } = options;
  const { p, rest, S, lse } = row;
  const own = S * p[k] * rest[k] * (1 + 2 * zLoss * lse) + 2 * zLoss * S * p[k] * p[k];
  if (softcap === null) return own / temperature ** 2;
  const tanh = Math.tanh(u[k] / softcap);
  const slope = 1 / Math.cosh(u[k] / softcap) ** 2 / temperature;
  return own * slope ** 2 + row.dL_dz[k] * ((-2 / softcap) * tanh * slope);
}

/** Central difference quotient of L along u_k: an answer that knows nothing of the formula. */
function quotient(u, y, options, k, h = 2 ** -13) {
  const moved = (step) => u.map((value, j) => (j === k ? value + step : value));
  const [above, below] = [moved(h), moved(-h)];
  return (head(above, y, options).L - head(below, y, options).L) / (above[k] - below[k]);
}
