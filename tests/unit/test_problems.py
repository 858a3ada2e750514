"""Every failure that a user can cause is known at the edge."""

from __future__ import annotations

import ast
from pathlib import Path

from serve_app.problems import PROBLEMS, ExitCode, job_error, problem_of

ROOT = Path(__file__).parents[2]


def codes_of_invalid_input() -> set[str]:
    codes: set[str] = set()
    for path in [*(ROOT / "tasks").rglob("*.py"), *(ROOT / "serve_app").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "InvalidInput":
                given = [word.value for word in node.keywords if word.arg == "code"]
                codes |= {str(value.value) for value in given if isinstance(value, ast.Constant)} or {"invalid_input"}
    return codes


def test_every_code_has_its_problem() -> None:
    codes = codes_of_invalid_input()
    assert len(codes) > 15
    assert codes <= set(PROBLEMS)


def test_what_the_user_caused_ends_with_exit_code_2() -> None:
    assert {problem_of(code).exit_code for code in codes_of_invalid_input()} == {ExitCode.INPUT}
    assert {problem_of(code).status // 100 for code in codes_of_invalid_input()} == {4}


def test_what_nobody_knows_is_our_fault() -> None:
    assert problem_of("something_new").status == 500
    assert job_error({"code": "something_new", "message": "x"}).exit_code == ExitCode.FAILED


def test_only_the_sandbox_starts_programs_on_media() -> None:
    starters = set()
    for path in (ROOT / "tasks").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import) and any(alias.name == "subprocess" for alias in node.names):
                starters.add(path.relative_to(ROOT).as_posix())
    assert starters == {"tasks/media/sandbox.py", "tasks/media/ffmpeg.py"}  # the latter only asks ffmpeg what it can do
