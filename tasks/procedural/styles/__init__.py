"""The looks, by name."""

from __future__ import annotations

from types import MappingProxyType

from tasks.domain.style import StyleName
from tasks.procedural.styles.ink import INK
from tasks.procedural.styles.silk import SILK
from tasks.procedural.styles.swiss import SWISS

STYLES = MappingProxyType({StyleName.SILK: SILK, StyleName.INK: INK, StyleName.SWISS: SWISS})
