"""Which windows of a song would stand for it.

Method
------
A hook begins with a section and ends on a border too, or with the bar that is nearest to what may be shown. Worth is
energy above the song's usual, how often its kind returns (what returns is remembered), its name, and that it grows out
of something quieter. The best windows that do not overlap are given.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.domain.analysis import Hook, Section

SHORTEST_S, LONGEST_S = 9.0, 60.0

_MOST = 3
_NAMED = {"chorus": 0.35, "drop": 0.35, "pre-chorus": 0.05, "verse": 0.05, "instrumental": 0.05}
_GROWN = 0.1
_LIFT = 0.15


def find_hooks(sections: tuple[Section, ...], downbeats: tuple[float, ...]) -> tuple[Hook, ...]:
    """Give up to three windows of 9 to 60 s, the best first; none for a song that is shorter.

    Parameters
    ----------
    sections : tuple of Section
        In order.
    downbeats : tuple of float
        Seconds; windows that cannot end with a section end on one of these.
    """
    found = [_window(index, sections, np.array(downbeats)) for index in range(len(sections))]
    chosen: list[Hook] = []
    for hook in sorted((hook for hook in found if hook is not None), key=lambda hook: (-hook.score, hook.start_s)):
        if len(chosen) < _MOST and all(hook.end_s <= other.start_s or hook.start_s >= other.end_s for other in chosen):
            chosen.append(hook)
    return tuple(chosen)


def _window(index: int, sections: tuple[Section, ...], downbeats: NDArray[np.float64]) -> Hook | None:
    here = sections[index]
    end_s = here.end_s
    for following in sections[index + 1 :]:
        if end_s - here.start_s >= SHORTEST_S:
            break
        end_s = following.end_s
    if end_s - here.start_s > LONGEST_S:
        inside = downbeats[(downbeats > here.start_s + SHORTEST_S) & (downbeats <= here.start_s + LONGEST_S)]
        end_s = float(inside[-1]) if len(inside) else here.start_s + LONGEST_S
    if end_s - here.start_s < SHORTEST_S:
        return None
    times = sum(section.cluster == here.cluster for section in sections)
    grown = index > 0 and here.energy > sections[index - 1].energy + _GROWN
    score = 0.35 * here.energy + 0.15 * min(times - 1, 3) / 3 + _NAMED.get(here.label, 0.0) + (_LIFT if grown else 0.0)
    reasons = [f"the {here.label}"]
    if times > 1:
        reasons.append(f"which comes {times} times")
    reasons.append(f"at {round(100 * here.energy)} % of the song's full energy")
    if grown:
        reasons.append("after something quieter")
    return Hook(
        start_s=here.start_s, end_s=end_s, score=round(min(1.0, score), 3), reason=f"It is {', '.join(reasons)}."
    )
