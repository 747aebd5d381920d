// Points in the plane with a class each: three made from a seed, and the reader's own CSV.

const MOST_POINTS = 2000;
const OF_CLASS = 60;

/** Numbers in [0, 1) from a seed, the same in every browser (mulberry32). */
function generator(seed) {
  let at = seed >>> 0;
  return () => {
    at = (at + 0x6d2b79f5) >>> 0;
    let t = Math.imul(at ^ (at >>> 15), at | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A number from the normal distribution. */
const normal = (random) =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

const turned = (radius, angle) => [radius * Math.cos(angle), radius * Math.sin(angle)];

const SHAPES = {
  blobs(c, _, random) {
    const [x, y] = turned(0.55, Math.PI / 2 + (2 * Math.PI * c) / 3);
    return [x + 0.24 * normal(random), y + 0.24 * normal(random)];
  },
  rings(c, _, random) {
    return turned(0.15 + 0.35 * c + 0.05 * normal(random), 2 * Math.PI * random());
  },
  spiral(c, share, random) {
    return turned(0.08 + 0.9 * share, (2 * Math.PI * c) / 3 + 4 * share + 0.16 * normal(random));
  },
};

/** Points {X, y, names} of a shape. */
function pointsOf(shape, seed) {
  const random = generator(seed * 7919 + Object.keys(SHAPES).indexOf(shape));
  const X = [];
  const y = [];
  for (let n = 0; n < OF_CLASS; n += 1) {
    for (let c = 0; c < 3; c += 1) {
      X.push(SHAPES[shape](c, n / OF_CLASS, random).map((v) => Number(v.toFixed(4))));
      y.push(c);
    }
  }
  return { X, y, names: ["a", "b", "c"] };
}

/**
 * Points from lines "number, number, class"; a heading may stand above. They are moved and scaled so
 * that they fill the square from −1 to 1. Throws what is wrong, and in which line.
 */
function readPoints(csv) {
  if (csv.length > 200_000) throw new Error("expected at most 200,000 characters");
  const lines = csv.split(/\r\n|\r|\n/).map((line, n) => [line.trim(), n + 1]).filter(([line]) => line);
  const rows = lines.map(([line, n], at) => rowOf(line, n, at === 0)).filter((row) => row !== null);
  if (rows.length < 2 || rows.length > MOST_POINTS) {
    throw new Error(`expected 2 to ${MOST_POINTS} rows of numbers, got ${rows.length}`);
  }
  const names = [...new Set(rows.map((row) => row[2]))];
  if (names.length < 2 || names.length > LIMITS.K[1]) {
    throw new Error(`expected 2 to ${LIMITS.K[1]} classes in the third column, got ${names.length}`);
  }
  const X = scaledToSquare(rows.map((row) => row.slice(0, 2)));
  return { X, y: rows.map((row) => names.indexOf(row[2])), names };
}

function rowOf(line, n, mayBeHeading) {
  const cells = cellsOf(line);
  const wrong = (expected) => new Error(`line ${n}: expected ${expected}, got “${line.slice(0, 30)}”`);
  if (cells.length !== 3) throw wrong("two numbers and a class");
  const isNumber = (cell) => NUMBER.test(cell) && Math.abs(Number(cell.replace("−", "-"))) <= 1e12;
  if (!isNumber(cells[0]) || !isNumber(cells[1])) {
    if (mayBeHeading && !isNumber(cells[0]) && !isNumber(cells[1])) return null;
    throw wrong("numbers in the first two columns");
  }
  if (!cells[2] || cells[2].length > LIMITS.name) throw wrong(`a class of at most ${LIMITS.name} characters`);
  return [...cells.slice(0, 2).map((cell) => Number(cell.replace("−", "-"))), cells[2]];
}

/**
 * Cells of a line of CSV. In quotes a cell may have the separator, and "" for a quote. Where semicolons or
 * tabs separate, a comma is a decimal comma.
 */
function cellsOf(line) {
  const outside = line.replace(/"(?:[^"]|"")*"/g, "");
  const by = ["\t", ";"].find((mark) => outside.includes(mark)) ?? ",";
  const cells = [""];
  let quoted = false;
  for (const [n, mark] of [...line].entries()) {
    if (mark === '"') {
      if (!quoted && line[n - 1] === '"' && cells.at(-1)) cells[cells.length - 1] += mark;
      quoted = !quoted;
    } else if (mark === by && !quoted) cells.push("");
    else cells[cells.length - 1] += mark;
  }
  const decimal = (cell) => (by !== "," && /^[-−+]?\d*,\d+$/.test(cell) ? cell.replace(",", ".") : cell);
  return cells.map((cell) => decimal(cell.trim()));
}

function scaledToSquare(X) {
  const scales = [0, 1].map((d) => {
    const column = X.map((row) => row[d]);
    const [low, high] = [Math.min(...column), Math.max(...column)];
    return [(low + high) / 2, (high - low) / 2 || 1];
  });
  return X.map((row) => row.map((v, d) => Number(((v - scales[d][0]) / scales[d][1]).toFixed(6))));
}
