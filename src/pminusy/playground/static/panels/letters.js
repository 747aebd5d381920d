// What the letters of the panels stand for. u are the logits of the bars with a added, z what the softmax
// sees: z = u / T, z = κ tanh(u / κ) / T, or u itself, which then is called z.

const transformIsOff = () => state.temperature === 1 && state.softcap === null;
const optionsAreOff = () => !state.smoothing && !state.zLoss && transformIsOff();
const logitLetter = () => (transformIsOff() ? "z" : "u");
/** What the layer gets: features, or the units of Learn's hidden layer. */
const inputLetter = () => (state.units ? "h" : "x");
const targetLetter = () => (state.smoothing ? "q" : "y");

field("units", flag("units"));

/** z by u, and dz/du, where they differ. */
function transformInWords() {
  const { temperature: T, softcap } = state;
  if (transformIsOff()) return "";
  if (softcap === null) return `z = u / T with T = ${text(T)}, so ∂L/∂u = ∂L/∂z · ${text(1 / T)}.`;
  const [over, by] = T === 1 ? ["", ""] : [" / T", ` and T = ${text(T)}`];
  return `z = κ tanh(u / κ)${over} with κ = ${text(softcap)}${by}, so ∂L/∂u = ∂L/∂z · (1 − tanh(u / κ)²)${over}.`;
}

/** What the options make of p − y; "" where they leave it as it is. */
function gradientInWords() {
  if (optionsAreOff()) return "";
  const { smoothing, zLoss } = state;
  const q = smoothing ? `, q = (1 − ε) y + ε / K with ε = ${text(smoothing)}` : "";
  const pull = zLoss ? " + 2 ζ ln(S) p" : "";
  const plain = smoothing || zLoss ? `With these options ∂L/∂z = p − ${targetLetter()}${pull}${q}.` : "";
  return [plain, transformInWords()].filter(Boolean).join(" ");
}

/** e^z as it is written, its sum, and whether float64 has room for them. */
function exponentialsOf(z) {
  const e = z.map((value) => Math.exp(value));
  const S = e.reduce((sum, value) => sum + value, 0);
  return { e, S, fit: Number.isFinite(S) && e.every((value) => value >= LEAST_NORMAL) };
}
const LEAST_NORMAL = 2 ** -1022; // below it float64 loses digits, then everything
