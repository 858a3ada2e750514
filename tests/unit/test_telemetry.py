"""What is logged: one line of JSON an event, bound to its job, without secrets."""

from __future__ import annotations

import json

import pytest
import structlog

from cluster.telemetry import configure_logs, redact

CANARY = "canary-7f3a91"


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://vibe:{CANARY}@db:5432/x refused",
        f"redis://:{CANARY}@cache:6379/0",
        f"https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature={CANARY}&x=1",
        f"https://b/k?X-Amz-Credential={CANARY}%2F2026&y=2",
        f"Authorization: Bearer {CANARY}.x-y",
        f"token r8_{CANARY.replace('-', '')}",
        f"the key is {CANARY}",
    ],
)
def test_no_secret_is_logged(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("S3_SECRET_ACCESS_KEY", CANARY)
    event = {"event": text, "detail": {"urls": [text], "error": ValueError(text)}, "count": 3, "ok": True, "none": None}
    told = json.dumps(redact(None, "info", event))
    assert CANARY not in told
    assert CANARY.replace("-", "") not in told
    assert "***" in told
    kept = json.loads(told)
    assert (kept["count"], kept["ok"], kept["none"]) == (3, True, None)


def test_what_is_no_secret_stays() -> None:
    text = "https://example.com/a?b=c of job_01k0a3v9q2 by ada@example.com"
    assert redact(None, "info", {"event": text}) == {"event": text}


def test_lines_are_json_and_carry_what_they_are_bound_to(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info")
    try:
        with structlog.contextvars.bound_contextvars(job_id="job_1", song_id="song_1"):
            structlog.get_logger().info("step ended", url=f"redis://:{CANARY}@host/0")
            structlog.get_logger().debug("not wanted")
    finally:
        structlog.reset_defaults()
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["event"], told["job_id"], told["song_id"], told["level"]) == ("step ended", "job_1", "song_1", "info")
    assert CANARY not in line
