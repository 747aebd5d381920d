"""Answers that choose: a number of the list, or the words of a choice."""

from __future__ import annotations

from collections.abc import Sequence

from pminusy.questions.judge import Verdict

__all__ = ["chosen"]


def chosen(answer: str, choices: Sequence[str]) -> int | Verdict:
    """The place of what was chosen; a verdict where nothing was."""
    typed = answer.strip().rstrip(".").casefold()
    if typed in [str(number) for number in range(1, len(choices) + 1)]:
        return int(typed) - 1
    named = [place for place, choice in enumerate(choices) if choice.casefold() == typed]
    if named:
        return named[0]
    return Verdict("unread", f"Type one of the numbers 1 to {len(choices)}.")
