"""Take objects away that nothing names any more.

What writers leave half written is the business of each store's own ``sweep``. Here it is whole objects: a step
stores its file first and names it in the database after, so a step that dies between the two leaves a stray.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from cluster.storage.base import Storage

STRAY_AFTER_S = 7 * 86400.0
"""How old an object must be before it can be a stray, in seconds: far older than any running step."""

_BATCH = 500


def sweep_strays(
    storage: Storage, is_known: Callable[[list[str]], set[str]], older_than_s: float = STRAY_AFTER_S, prefix: str = ""
) -> int:
    """Remove objects that are old and that nothing names, and tell how many those were.

    Parameters
    ----------
    is_known : callable
        Gets up to 500 keys and gives those of them that must stay: the keys that rows name.
    older_than_s : float
        How long ago an object was stored, in seconds by the store's clock; younger ones stay, because the row that
        names them may not be committed yet.
    prefix : str
        Look only at keys that begin so.

    Returns
    -------
    int
        The number of objects that were removed.

    Raises
    ------
    StorageError
        If the store fails; what was removed until then stays removed, and the next sweep goes on.

    Notes
    -----
    A running step that finds its object there already does not store it again, so its age says nothing of that
    step. ``is_known`` must therefore also give the keys that unfinished jobs could come upon, or the sweep must run
    while there are none.
    """
    removed = 0
    old = storage.keys(prefix, older_than_s)
    while batch := list(islice(old, _BATCH)):
        for key in sorted(set(batch) - is_known(batch)):
            storage.delete(key)
            removed += 1
    return removed
