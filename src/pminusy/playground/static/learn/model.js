// A softmax regression, or a network with one hidden layer of tanh units, and a step of gradient
// descent on a batch. In plain float64: training visits all rows many times.

/** Weights: W (K, D) and b (K); with hidden units D is their number, and V (H, 2) and a (H) make them. */
function freshModel(K, hidden, seed) {
  const random = generator(seed * 104729 + hidden);
  const layer = (rows, columns, scale) =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => scale * normal(random)));
  if (hidden === 0) return { V: null, a: null, W: layer(K, 2, 0), b: new Array(K).fill(0) };
  return {
    V: layer(hidden, 2, 1.5), a: layer(1, hidden, 0.5)[0],
    W: layer(K, hidden, 0.3), b: new Array(K).fill(0),
  };
}

const dot = (a, b) => a.reduce((sum, value, n) => sum + value * b[n], 0);
const affine = (W, b, x) => W.map((row, k) => dot(row, x) + b[k]);

/** What the last layer sees of a point: the point itself, or its hidden units. */
const featuresOf = (model, x) => (model.V ? affine(model.V, model.a, x).map(Math.tanh) : x);

/** Probabilities and the log-sum-exp of logits, in plain float64. */
function plainSoftmax(z) {
  const m = Math.max(...z);
  const e = z.map((value) => Math.exp(value - m));
  const s = e.reduce((sum, value) => sum + value, 0);
  return { p: e.map((value) => value / s), lse: m + Math.log(s) };
}

const logitsOf = (model, x) => affine(model.W, model.b, featuresOf(model, x));

function meanLoss(model, { X, y }) {
  const total = X.reduce((sum, x, n) => {
    const z = logitsOf(model, x);
    return sum + plainSoftmax(z).lse - z[y[n]];
  }, 0);
  return total / X.length;
}

const accuracyOf = (model, { X, y }) =>
  X.filter((x, n) => {
    const z = logitsOf(model, x);
    return z.indexOf(Math.max(...z)) === y[n];
  }).length / X.length;

/**
 * Gradient of the mean loss on a batch, and what it is the sum of.
 * @returns {{dL_dW, dL_db, dL_dV, dL_da, rows}} `rows`: each row's index, p − y, and features
 */
function gradientOf(model, { X, y }, batch) {
  const N = batch.length;
  const zeros = (rows, columns) => Array.from({ length: rows }, () => new Array(columns).fill(0));
  const [K, D] = [model.W.length, model.W[0].length];
  const sums = { dL_dW: zeros(K, D), dL_db: new Array(K).fill(0), dL_dV: model.V && zeros(D, 2), dL_da: model.V && new Array(D).fill(0) };
  const rows = batch.map((n) => {
    const x = featuresOf(model, X[n]);
    const g = plainSoftmax(affine(model.W, model.b, x)).p.map((p, k) => p - (k === y[n] ? 1 : 0));
    g.forEach((value, k) => {
      sums.dL_db[k] += value / N;
      x.forEach((feature, d) => (sums.dL_dW[k][d] += (value * feature) / N));
    });
    if (model.V) backThroughHidden(model, sums, X[n], x, g, N);
    return { n, g, x };
  });
  return { ...sums, rows };
}

/** ∂L/∂h = Wᵀ(p − y), through tanh by 1 − h², to V and a. */
function backThroughHidden(model, sums, x, h, g, N) {
  h.forEach((value, d) => {
    const back = model.W.reduce((sum, row, k) => sum + row[d] * g[k], 0) * (1 - value * value);
    sums.dL_da[d] += back / N;
    x.forEach((feature, j) => (sums.dL_dV[d][j] += (back * feature) / N));
  });
}

/** The model after one step of size eta. */
function stepped(model, gradient, eta) {
  const matrix = (A, G) => A.map((row, k) => row.map((value, d) => value - eta * G[k][d]));
  const vector = (v, g) => v.map((value, k) => value - eta * g[k]);
  return {
    V: model.V && matrix(model.V, gradient.dL_dV), a: model.a && vector(model.a, gradient.dL_da),
    W: matrix(model.W, gradient.dL_dW), b: vector(model.b, gradient.dL_db),
  };
}

/** The next rows of a shuffled order, which is shuffled again when it is through. */
function nextBatch(learner, N, size) {
  if (learner.at + size > N || learner.order.length !== N) {
    learner.order = Array.from({ length: N }, (_, n) => n);
    for (let n = N - 1; n > 0; n -= 1) {
      const other = Math.floor(learner.random() * (n + 1));
      [learner.order[n], learner.order[other]] = [learner.order[other], learner.order[n]];
    }
    learner.at = 0;
  }
  const batch = learner.order.slice(learner.at, learner.at + size);
  learner.at += size;
  return batch;
}
