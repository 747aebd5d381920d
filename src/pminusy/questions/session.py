"""A quiz asked and answered in lines of text: what a terminal shows, and the score at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pminusy.questions.items.function import LONGEST_FUNCTION
from pminusy.questions.items.item import Question
from pminusy.questions.judge import Verdict

__all__ = ["Score", "ask"]

TRIES = 3
_SKIP = ("", "skip", "?")


@dataclass
class Score:
    """How many questions were answered, and how."""

    asked: int = 0
    first: int = 0
    later: int = 0
    slips: dict[str, int] = field(default_factory=dict)

    @property
    def in_words(self) -> str:
        """The score in one or two lines."""
        if not self.asked:
            return "No question was answered."
        later = f", {self.later} more after a slip" if self.later else ""
        words = f"{self.first} of {self.asked} right at once{later}."
        if self.slips:
            most = sorted(self.slips.items(), key=lambda each: (-each[1], each[0]))
            words += " Slips: " + ", ".join(f"{kind} {count}" for kind, count in most) + "."
        return words


def ask(
    questions: Sequence[Question],
    read: Callable[[], str | None],
    say: Callable[[str], None],
    score: Score,
) -> None:
    """Ask questions until they, or the answers, are at an end.

    Parameters
    ----------
    questions
        What is asked.
    read
        The next line of an answer; None where there are no more.
    say
        Shows a text.
    score
        What is counted; it is up to date whenever `read` raises.
    """
    for number, question in enumerate(questions, 1):
        say(f"\n{number} of {len(questions)} · {question.source}\n{question.text}")
        if not _answered(question, read, say, score):
            return


def _answered(
    question: Question,
    read: Callable[[], str | None],
    say: Callable[[str], None],
    score: Score,
) -> bool:
    """Whether a question was dealt with; False at the end of the answers."""
    counted, left = False, TRIES
    while left:
        answer = _pasted(read) if question.kind == "function" else read()
        if answer is None:
            return False
        if answer.strip().casefold() in _SKIP:
            score.asked += not counted
            say(f"  One answer: {question.solution}")
            return True
        verdict = question.judge(answer)
        _show(verdict, answer, say)
        if verdict.outcome == "offered":
            return True
        if verdict.outcome == "unread":
            continue  # no try is lost by a slip of the keyboard
        _count(verdict, score, counted)
        counted = True
        if verdict.outcome == "right":
            return True
        left -= 1
    say(f"  One answer: {question.solution}")
    return True


def _count(verdict: Verdict, score: Score, counted: bool) -> None:
    score.asked += not counted
    if verdict.outcome == "right":
        score.first += not counted
        score.later += counted
    elif verdict.slip:
        score.slips[verdict.slip] = score.slips.get(verdict.slip, 0) + 1


def _show(verdict: Verdict, answer: str, say: Callable[[str], None]) -> None:
    sign = {"right": "✓", "offered": "→"}.get(verdict.outcome, "✗")
    if verdict.at is not None:
        from pminusy.present.sanitise import cut, visible

        before = visible(answer[: verdict.at])[-40:]
        rest = cut(visible(answer[verdict.at : verdict.at + 30]), 20)
        say(f"    {before}{rest}\n    {' ' * len(before)}^")
    say(f"  {sign} {verdict.words}")


def _pasted(read: Callable[[], str | None]) -> str | None:
    """Lines up to one that is a single dot, or to the end."""
    lines = list(_until_dot(read))
    return "\n".join(lines) if lines else None


def _until_dot(read: Callable[[], str | None]) -> Iterator[str]:
    size = 0
    while (line := read()) is not None and line.strip() != ".":
        size += len(line) + 1
        if size <= 2 * LONGEST_FUNCTION:  # the rest is read and left
            yield line
