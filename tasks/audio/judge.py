"""Small networks that weigh evidence, and the weights they learnt.

A network has one hidden layer of hyperbolic tangents. The weights are data beside this file; what they were learnt
from stands in the file itself, and `benchmarks/train_analysis.py` learns them anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from tasks.audio.tempo import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One judge.

    Attributes
    ----------
    inward : ndarray, shape (figures + 1, hidden), float64
        Weights of the figures, and in the last row what is added.
    outward : ndarray, shape (hidden + 1,), float64
        Weights of the hidden units, and what is added.
    """

    inward: Floats
    outward: Floats

    def judge(self, figures: Floats) -> Floats:
        """Weigh rows of figures, shape (n, figures): the more, the likelier."""
        # einsum, because a product by BLAS may round differently with another number of threads
        hidden = np.tanh(np.einsum("nf,fh->nh", figures, self.inward[:-1], optimize=False) + self.inward[-1])
        return np.asarray(
            np.einsum("nh,h->n", hidden, self.outward[:-1], optimize=False) + self.outward[-1], np.float64
        )


def networks() -> dict[str, Network]:
    """Give the networks that ship with the package, by name."""
    return {
        name: Network(inward=np.array(weights["inward"]), outward=np.array(weights["outward"]))
        for name, weights in _document()["networks"].items()
    }


def form_habit() -> tuple[Floats, float]:
    """Give the log chance of sections of each length in bars, and what a border costs."""
    form = _document()["form"]
    return np.array(form["habit"]), float(form["border_cost"])


@lru_cache(maxsize=1)
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(files("tasks.audio").joinpath("weights.json").read_text(encoding="utf-8"))
    return document
