"""Make a video on a Ray cluster from Python: submit the command as a job, follow its log, read its result.

    python examples/submit_render.py song.wav --address http://127.0.0.1:8265 -- --style silk --resolution 480p

What follows ``--`` is given to ``vibecraft render``. The song travels with the job. The film stays where the cluster
keeps its objects; the last line printed is the job's result, one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from ray.job_submission import JobStatus, JobSubmissionClient


async def follow(client: JobSubmissionClient, job_id: str) -> list[str]:
    """Print the job's log as it grows, and give its lines."""
    text = ""
    async for piece in client.tail_job_logs(job_id):
        sys.stderr.write(piece)
        text += piece
    return text.splitlines()


def submit(song: Path, out: Path | None, address: str, options: list[str]) -> dict[str, Any]:
    """Render ``song`` on the cluster whose dashboard is at ``address`` and give the command's summary.

    Raises
    ------
    RuntimeError
        If the job did not succeed; its log was printed.
    """
    token = os.environ.get("RAY_AUTH_TOKEN")
    client = JobSubmissionClient(address, headers={"Authorization": f"Bearer {token}"} if token else None)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(song, Path(folder) / song.name)
        target = [] if out is None else ["-o", str(out.absolute())]
        entrypoint = shlex.join(["vibecraft", "render", song.name, *target, "--json", *options])
        job_id = client.submit_job(
            entrypoint=entrypoint, runtime_env={"working_dir": folder}, metadata={"song": song.name}
        )
    lines = asyncio.run(follow(client, job_id))
    status = client.get_job_status(job_id)
    if status is not JobStatus.SUCCEEDED:
        raise RuntimeError(f"job {job_id} ended as {status}: {client.get_job_info(job_id).message}")
    summary: dict[str, Any] = next(json.loads(line) for line in reversed(lines) if line.startswith("{"))
    return summary


def main() -> None:
    """Read the command line, submit, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("song", type=Path)
    parser.add_argument("-o", "--out", type=Path, help="where the cluster's head writes the film as well")
    parser.add_argument("--address", default="http://127.0.0.1:8265", help="the address of Ray's dashboard")
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    given = parser.parse_args(words[:end])
    print(json.dumps(submit(given.song, given.out, given.address, words[end + 1 :])))


if __name__ == "__main__":
    main()
