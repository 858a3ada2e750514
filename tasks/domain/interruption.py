"""Breaking off work that is no longer wanted.

Whoever starts the work says what is asked; code that loops or waits asks it now and then and lets what is raised
pass. Threads that the work starts ask nothing unless they are given the question.

A process that is asked to end breaks its work off wherever it is, by `interrupt`, except in the few lines that must be
done whole; where that is swallowed, `check` breaks it off.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass

_question: ContextVar[Callable[[], None] | None] = ContextVar("question", default=None)


@dataclass
class _Process:
    """What is known of this process's wish to end: signals reach its main thread alone."""

    is_held: bool = False
    is_asked: bool = False


_process = _Process()


def check() -> None:
    """Raise what the starter of this work raises when it is no longer wanted."""
    if _process.is_asked:  # a destructor or a callback may have swallowed what `interrupt` raised
        raise KeyboardInterrupt
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


def interrupt() -> None:
    """Raise `KeyboardInterrupt`, now or when the block that must be done whole has ended; for signal handlers."""
    _process.is_asked = True
    if not _process.is_held:
        raise KeyboardInterrupt


@contextlib.contextmanager
def done_whole() -> Iterator[None]:
    """Let `interrupt` wait until the block has ended."""
    _process.is_held = True
    try:
        yield
    finally:
        _process.is_held = False
        if _process.is_asked:
            _process.is_asked = False
            raise KeyboardInterrupt
