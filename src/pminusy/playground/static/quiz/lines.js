// The articles' lines as the quiz asks for them, from what Python wrote: text to sides, letters with the
// sets they run through, and for which letters a line holds.

const quizData = () => (quizData.read ??= JSON.parse(document.getElementById("quiz-data").textContent));

/** A line of the data, ready to be judged by. */
function judgedLine(line, letters) {
  const [name, rules, written_, about] = line;
  const [formula_, holdsFor = ""] = written_.split("   for ");
  const batch = about === 2;
  const known = letters[batch ? 1 : 0];
  const sides = sidesOf(formula_, known);
  const conditions = holdsFor.split(", ").filter(Boolean).map((pair) =>
    pair.split(" ").map((part) => (part === known.shown["index c"] ? "c" : part)));
  const free = new Set([...sides.flatMap(freeLetters), ...conditions.flatMap(([i, , j]) => [i, j])]);
  free.delete("c");
  const spaces = {};
  for (const each of free) {
    spaces[each] = sides.map((side) => spaceOf(each, side, known.spaces)).find(Boolean) || "K";
  }
  return { name, rules, text: written_, left: writtenTree(sides[0], known.shown), holdsFor, sides, letters: known, spaces, conditions, batch, layer: about === 1 };
}
