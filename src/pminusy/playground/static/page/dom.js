// Elements, and numbers as text. Text from outside reaches the page as text alone.

const SVG = "http://www.w3.org/2000/svg";

/** Attributes, listeners (`on`) and children of a new element. */
function furnished(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    } else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) {
      node.setAttribute(name, value);
    }
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const el = (tag, attributes = {}, ...children) =>
  furnished(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) =>
  furnished(document.createElementNS(SVG, tag), attributes, children);

/** Set attributes that differ from what is there: a frame touches what moved. */
function update(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    const text = String(value);
    if (node.getAttribute(name) !== text) node.setAttribute(name, text);
  }
}

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const raised = (n) => [...String(n)].map((digit) => RAISED[digit]).join("");

/** A number to so many significant digits, with a true minus sign; below 10^least a power of ten. */
function text(x, digits = 4, least = -4) {
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  if (x === 0) return "0";
  const sign = x < 0 ? "−" : "";
  const [mantissa, exponent] = Math.abs(x).toExponential(digits - 1).split("e");
  const power = Number(exponent);
  const short = (digitsOf) => (digitsOf.includes(".") ? digitsOf.replace(/\.?0+$/, "") : digitsOf);
  if (power < least || power > 6) return `${sign}${short(mantissa)}·10${raised(power)}`;
  return sign + short(Math.abs(x).toFixed(Math.max(digits - 1 - power, 0)));
}

/** The same with its sign always: for what is added. */
const signed = (x, digits) => (x > 0 ? "+" : "") + text(x, digits);

/** A variable in running text. */
const letter = (name, index) =>
  el("i", {}, name, ...(index === undefined ? [] : [el("sub", {}, String(index))]));

/** Whether readers ask for less motion. */
const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** The class of a number that a gradient step answers by raising (cool) or lowering (warm). */
const hue = (x) => (x < 0 ? "raised" : x > 0 ? "lowered" : "level");

/** Two ways to one number, and what is said of them. */
function agreement(value, quotientValue) {
  if (!Number.isFinite(value)) return "no number of float64: see “the formula without the shift”";
  const close = Math.abs(value - quotientValue) <= 1e-6 * Math.max(1, Math.abs(value));
  return close ? AGREES : `float64; a difference quotient gives ${text(quotientValue)}`;
}
const AGREES = "✓ float64, difference quotient agrees";

/** Say it; green where both ways agree. */
function sayAgreement(node, words) {
  say(node, words);
  node.classList.toggle("unsure", words !== AGREES);
}

/** A line of text with its indices lowered and its exponents raised: z_0, e^(z_0), e^1.5. */
function formula(node, line) {
  if (node.dataset.line === line) return node;
  node.dataset.line = line;
  const parts = line.split(/(_[\da-zA-Z]+|_\([^()]*\)|\^\([^()]*\)|\^−?[\d.]+)/);
  node.replaceChildren(...parts.map((part) => {
    if (part.startsWith("_(")) return el("sub", {}, part.slice(2, -1));
    if (part.startsWith("_")) return el("sub", {}, part.slice(1));
    if (part.startsWith("^(")) return raisedPart(part.slice(2, -1));
    if (part.startsWith("^")) return el("sup", {}, part.slice(1));
    return part;
  }));
  return node;
}

function raisedPart(line) {
  const [base, index] = line.split("_");
  return el("sup", {}, base, index === undefined ? null : el("sub", {}, index));
}

/** A fold with the lines that say why. */
const why = (...names) =>
  el("details", { class: "why-lines" }, el("summary", {}, names.length > 1 ? "Why: the proved lines" : "Why: the proved line"), names.map(provedLine));

/** A copy of a line that was proved, by its name. */
function provedLine(name) {
  for (const id of ["proved-lines", "article-001"]) {
    const line = document.getElementById(id).content.querySelector(`[data-line="${name}"]`);
    if (line) return line.cloneNode(true);
  }
  throw new Error(`no line ${name}`);
}
