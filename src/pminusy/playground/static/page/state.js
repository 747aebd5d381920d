// What the page is about: one object, its fields declared with how each is written in a link. A panel
// declares its own with `field`. What a link has that does not fit is left out, and said.

const LIMITS = { K: [2, 10], logit: 1000, link: 4000, name: 40 };
const FIELDS = new Map();
const state = {};
const listeners = [];

/**
 * Declare a part of the state.
 * @param {string} name
 * @param {{key: string, initial: any, read: (text: string) => any, write: (value: any) => string}} how
 *   `read` throws an Error that says what was expected; `write` returns null for what no link can carry.
 */
function field(name, how) {
  FIELDS.set(name, how);
  state[name] = how.initial;
}

const NUMBER = /^[-−+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

/** A number between two others, read strictly. */
function number(text, least, most) {
  const plain = text.trim().replace("−", "-");
  const value = NUMBER.test(text.trim()) ? Number(plain) : NaN;
  if (!(value >= least && value <= most)) {
    throw new Error(`expected a number from ${least} to ${most}, got “${text.slice(0, 20)}”`);
  }
  return value;
}

function numbers(text, least, most, count) {
  const parts = text.split(",");
  if (parts.length < count[0] || parts.length > count[1]) {
    throw new Error(`expected ${count[0]} to ${count[1]} numbers, got ${parts.length}`);
  }
  return parts.map((part) => number(part, least, most));
}

const inRange = (key, initial, least, most) => ({
  key,
  initial,
  read: (text) => number(text, least, most),
  write: String,
});

const whole = (key, initial, least, most) => ({
  key,
  initial,
  read(text) {
    const value = number(text, least, most);
    if (!Number.isInteger(value)) throw new Error(`expected a whole number, got “${text.slice(0, 20)}”`);
    return value;
  },
  write: String,
});

const oneOf = (key, initial, known) => ({
  key,
  initial,
  known,
  read(text) {
    const found = known().find((each) => String(each) === text);
    if (found === undefined) throw new Error(`expected ${known().join(", ")}`);
    return found;
  },
  write: String,
});

const flag = (key) => ({
  key,
  initial: false,
  read: (text) => number(text, 0, 1) === 1,
  write: (value) => (value ? "1" : "0"),
});

field("z", {
  key: "z",
  initial: [2, 1, 0.1],
  read: (text) => numbers(text, -LIMITS.logit, LIMITS.logit, LIMITS.K),
  write: (z) => z.join(),
});
field("c", whole("y", 0, 0, LIMITS.K[1] - 1));
field("soft", {
  key: "soft",
  initial: null, // or a weight for each class
  read: (text) => numbers(text, 0, 1e6, LIMITS.K),
  write: (weights) => weights.join(),
});
field("names", {
  key: "names",
  initial: null,
  read(text) {
    const names = text.split(",").map((name) => decodeURIComponent(name));
    if (names.some((name) => !name || name.length > LIMITS.name)) {
      throw new Error(`expected names of at most ${LIMITS.name} characters`);
    }
    return names;
  },
  write: (names) => names.map(encodeURIComponent).join(),
});
field("temperature", inRange("T", 1, 0.05, 20));
field("smoothing", inRange("e", 0, 0, 1));
field("zLoss", inRange("zl", 0, 0, 10));
field("softcap", {
  key: "cap",
  initial: null,
  read: (text) => (text === "none" ? null : number(text, 0.1, 1000)),
  write: (value) => (value === null ? "none" : String(value)),
});
field("added", inRange("a", 0, -LIMITS.logit, LIMITS.logit));
field("naive", flag("naive"));
field("x", {
  key: "x",
  initial: [1, -0.5],
  read: (text) => numbers(text, -1e6, 1e6, [1, 8]),
  write: (x) => x.join(),
});
field("W", {
  key: "W",
  initial: null, // K rows, as many columns as x; null for the first rows of WEIGHTS
  read: (text) => text.split(";").map((row) => numbers(row, -1e6, 1e6, [1, 8])),
  write: (W) => W.map((row) => row.join()).join(";"),
});
field("k", whole("k", 0, 0, LIMITS.K[1] - 1));

/** Weights of a page that was given none: simple numbers. */
const WEIGHTS = [[1, 0.5], [0.5, -1], [-1, 0.5], [0.5, 1], [-0.5, -1], [1, -0.5], [-1, -0.5], [0.5, 0.5], [-0.5, 1], [1, 1]];

/** Numbers that belong together are made to fit: every entry has as many classes as there are logits. */
function fitted(value) {
  const K = value.z.length;
  value.c = Math.min(value.c, K - 1);
  value.k = Math.min(value.k, K - 1);
  if (value.soft) {
    value.soft = Array.from({ length: K }, (_, k) => value.soft[k] ?? 0);
    if (!value.soft.some((weight) => weight > 0)) value.soft[value.c] = 1;
  }
  if (value.names) value.names = Array.from({ length: K }, (_, k) => value.names[k] ?? String(k));
  if (value.W && (value.W.length !== K || value.W.some((row) => row.length !== value.x.length))) {
    const blank = value.x.map(() => 0);
    value.W = Array.from({ length: K }, (_, k) =>
      value.W[k]?.length === value.x.length ? value.W[k] : blank);
  }
  return value;
}

const weightsOf = () =>
  state.W ?? state.z.map((_, k) => state.x.map((_, d) => WEIGHTS[k][d % 2]));
const nameOf = (k) => state.names?.[k] ?? String(k);
const optionsOf = () => ({
  temperature: state.temperature,
  softcap: state.softcap,
  smoothing: state.smoothing,
  zLoss: state.zLoss,
});

/** The target of the row: one-hot, or weights over their sum. */
function targetOf() {
  if (!state.soft) return state.z.map((_, k) => (k === state.c ? 1 : 0));
  const total = state.soft.reduce((sum, weight) => sum + weight, 0);
  return state.soft.map((weight) => weight / total);
}

/** Everything the panels show of the head, computed once a frame. */
function modelOf() {
  const u = state.z.map((value) => value + state.added);
  const y = targetOf();
  const options = optionsOf();
  return { u, y, options, K: u.length, row: head(u, y, options) };
}

/** Change the state; every panel that is seen follows in the next frame. */
function change(patch) {
  Object.assign(state, patch);
  fitted(state);
  for (const listen of listeners) listen(patch);
}

/** The state as the part of a link behind #; what is as the page opened is left out. */
function written(opening) {
  const parts = [];
  for (const [name, { key, write }] of FIELDS) {
    const value = state[name];
    if (value === null && opening[name] === null) continue;
    const text = value === null ? "none" : write(value);
    const first = opening[name] === null ? "none" : write(opening[name]);
    if (text !== null && (text !== first || name === "z" || name === "c")) parts.push(`${key}=${text}`);
  }
  return parts.join("&");
}

/**
 * Take over a link's state: what it does not name is as the page opened, so that a link is one state.
 * @returns {string[]} what is left out, each with what was expected
 */
function readLink(link, opening) {
  if (link.length > LIMITS.link) return [`it has ${link.length} characters`];
  const patch = {};
  const leftOut = [];
  for (const part of link.split("&")) {
    try {
      const [name, value] = settingOf(part);
      patch[name] = value;
    } catch (error) {
      leftOut.push(error.message);
    }
  }
  leftOut.push(...withoutMisfits(patch, (patch.z ?? opening.z).length));
  if (Object.keys(patch).length) change({ ...structuredClone(opening), ...patch });
  return leftOut;
}

/** A part "key=text" of a link as the name of a field and its value. */
function settingOf(part) {
  const [key, ...rest] = part.split("=");
  const known = [...FIELDS].find(([, how]) => how.key === key);
  if (!known || !rest.length) throw new Error(`“${part.slice(0, 20)}” is none of this page's settings`);
  const [name, { read, initial }] = known;
  const value = rest.join("=");
  try {
    return [name, value === "none" && initial === null ? null : read(value)];
  } catch (error) {
    throw new Error(`${key}: ${error.message}`);
  }
}

/** Take out of a patch what does not go with so many classes; what was taken out is said. */
function withoutMisfits(patch, K) {
  const said = [];
  const leave = (name, words) => {
    said.push(`${FIELDS.get(name).key}: ${words}`);
    delete patch[name];
  };
  for (const name of ["c", "k", "i", "j"]) {
    if (patch[name] >= K) leave(name, `expected a class from 0 to ${K - 1}, got ${patch[name]}`);
  }
  for (const name of ["soft", "names", "W"]) {
    if (patch[name] && patch[name].length !== K) leave(name, `expected ${K} entries, got ${patch[name].length}`);
  }
  if (patch.soft && !patch.soft.some((weight) => weight > 0)) leave("soft", "expected a weight above 0");
  return said;
}
