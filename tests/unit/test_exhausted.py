"""What runs out is known by what the libraries themselves say when a real limit binds."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

MEMORY = {
    "an array": "numpy.zeros(1 << 33)",
    "OpenCV": "cv2.resize(numpy.zeros((9, 9), numpy.float32), (60_000, 20_000))",
    "a picture": "PIL.Image.new('RGB', (20_000, 20_000))",
    "a frame": "[av.VideoFrame(4000, 4000, 'yuv420p') for _ in range(99)]",
    "threads": "[threading.Thread(target=threading.Event().wait, daemon=True).start() for _ in range(9999)]",
    "a module": "__import__('scipy.signal')",
}
PROGRAM = """
    import resource, sys, threading
    import av, cv2, numpy, PIL.Image
    from cluster.errors import exhausted

    has = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + (1 << 20), resource.RLIM_INFINITY))
    try:
        {act}
    except Exception as error:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print(type(exhausted(error)).__name__)
"""


def told(act: str) -> str:
    program = textwrap.dedent(PROGRAM).format(act=act)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("act", MEMORY.values(), ids=MEMORY)
def test_no_memory_is_told_as_such_whoever_meets_it(act: str) -> None:
    assert told(act) == "OutOfMemory"


def test_a_full_disk_is_told_as_such() -> None:
    assert told("open('/dev/full', 'wb', 0).write(b'0')") == "DiskFull"


def test_any_other_error_is_not() -> None:
    assert told("1 / 0") == "NoneType"
