"""Asking, deep inside long work, whether it is still wanted.

Whoever starts the work says what is asked; code that loops or waits asks it now and then and lets what is raised
pass. Threads that the work starts ask nothing unless they are given the question.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

_question: ContextVar[Callable[[], None] | None] = ContextVar("question", default=None)


def check() -> None:
    """Raise what the starter of this work raises when it is no longer wanted."""
    question = _question.get()
    if question is not None:
        question()


@contextlib.contextmanager
def asking(question: Callable[[], None]) -> Iterator[None]:
    """Let `check` ask ``question`` while the block runs."""
    token = _question.set(question)
    try:
        yield
    finally:
        _question.reset(token)
