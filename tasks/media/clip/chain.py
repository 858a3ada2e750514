"""The filters that bring a clip's pictures to the film's form, as data for FFmpeg in a child and in this process.

Conventions
-----------
Sizes are expressions over the picture that comes in, so that a clip whose size changes midway is right throughout.
Scaled sides differ from the frame's by multiples of four, so that bars and crops begin on whole chroma samples and
stay centred; a picture of the frame's own shape is scaled to the frame exactly. Every scaling is bit-exact: its bytes
depend neither on the processor nor on who runs it.

Method
------
What the file says of its colours (or, where it says nothing, what is believed) is set first, then transparent
pixels are laid over black, then the picture is cropped, scaled and turned into BT.709 limited range. PQ and HLG are
mapped by zimg: diffuse white lies at 203 cd/m² (ITU-R BT.2408), so that what lies below keeps its value, and the
highlights above are squeezed into the last few levels. Turning by the file's display matrix comes before all this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.domain.clip import Fit, Matrix
from tasks.media.clip.header import ClipHeader

_FLAGS = "bicubic+accurate_rnd+bitexact"
_RGB_TO_BT709 = {"out_color_matrix": "bt709", "out_range": "tv"}
_WHITE_NITS = 203
_PEAK = 1000 / _WHITE_NITS
_KNEE = 0.96
_LONGEST_CROP = 4
_BACKDROP_SCALE = 8
_BACKDROP_BLUR = 5
_BACKDROP_LIGHT = 0.55

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Filter:
    """One of FFmpeg's filters with its options."""

    name: str
    options: Mapping[str, Value]

    def arguments(self) -> str:
        """Write the options as one string of FFmpeg."""
        return ":".join(f"{name}={value}" for name, value in self.options.items())


@dataclass(frozen=True, slots=True)
class Chain:
    """Filters that follow each other: ``head``, ``main`` and ``tail``.

    With a ``backdrop`` the picture is split after the head, and what ``main`` gives is laid over it by ``overlay``.
    """

    head: tuple[Filter, ...]
    main: tuple[Filter, ...]
    tail: tuple[Filter, ...]
    backdrop: tuple[Filter, ...] = ()
    overlay: Filter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a clip is brought to: the frame's size, and how a picture of another shape is fitted into it."""

    width: int
    height: int
    fit: Fit
    focus: tuple[float, float]
    untagged: Matrix


def form_chain(header: ClipHeader, form: Form) -> Chain:
    """Give the filters that bring upright pictures of ``header`` to yuv420p, BT.709, of the form's size."""
    square = Filter("setsar", {"sar": 1})
    tail = (*_colours_mapped(header, form.untagged), Filter("format", {"pix_fmts": "yuv420p"}), square)
    head = _colours_said(header, form.untagged)
    colours = _RGB_TO_BT709 if header.is_rgb else {}
    match form.fit:
        case Fit.FILL:
            return Chain(head, _filled(form.width, form.height, form.focus, colours), tail)
        case Fit.FIT:
            return Chain(head, (*_fitted(form, colours), _padded(form)), tail)
        case Fit.BLUR:
            over = {"x": "(W-w)/2", "y": "(H-h)/2", "format": "yuv420p10" if header.needs_zimg else "yuv420"}
            main, backdrop = (*_fitted(form, colours), square), _blurred(form, colours)
            return Chain(head, main, tail, backdrop, Filter("overlay", over))


def deinterlacer() -> Filter:
    """Give the filter that makes whole pictures of those that are flagged as two fields."""
    return Filter("bwdif", {"mode": "send_frame", "parity": "auto", "deint": "interlaced"})


def _matrix(header: ClipHeader, untagged: Matrix) -> str:
    return header.matrix or ("bt2020nc" if header.needs_zimg else str(untagged))


def _colours_said(header: ClipHeader, untagged: Matrix) -> tuple[Filter, ...]:
    """Say what the pixels mean, and lay transparent ones over black."""
    if header.is_rgb:
        opaque = (Filter("format", {"pix_fmts": "gbrap"}), Filter("premultiply", {"inplace": 1}))
        return (*opaque, Filter("format", {"pix_fmts": "gbrp"})) if header.has_alpha else ()
    said = Filter(
        "setparams",
        {
            "colorspace": _matrix(header, untagged),
            "range": "pc" if header.is_full_range else "tv",
            "color_primaries": header.primaries or ("bt2020" if header.transfer else "bt709"),
            "color_trc": header.transfer or "bt709",
        },
    )
    if not header.has_alpha:
        return (said,)
    return (said, Filter("format", {"pix_fmts": "yuva420p10|yuva444p10"}), Filter("premultiply", {"inplace": 1}))


def _colours_mapped(header: ClipHeader, untagged: Matrix) -> tuple[Filter, ...]:
    """Bring another matrix, range or light to that of BT.709, in more than eight bits."""
    to_bt709: dict[str, Value] = {"transfer": "bt709", "matrix": "bt709", "range": "tv"}
    if header.transfer is not None:
        return (
            Filter("zscale", {"transfer": "linear", "npl": _WHITE_NITS}),
            Filter("format", {"pix_fmts": "gbrpf32le"}),
            Filter("zscale", {"primaries": "bt709"}),
            Filter("tonemap", {"tonemap": "mobius", "param": _KNEE, "peak": _PEAK, "desat": 0}),
            Filter("zscale", to_bt709),
        )
    if header.primaries is not None:
        return (Filter("zscale", {"primaries": "bt709", **to_bt709}),)
    if header.is_rgb or (_matrix(header, untagged) == "bt709" and not header.is_full_range):
        return ()
    as_bt709: dict[str, Value] = {"space": "bt709", "primaries": "bt709", "trc": "bt709", "range": "tv", "fast": 1}
    return (Filter("format", {"pix_fmts": "yuv420p10"}), Filter("colorspace", {**as_bt709, "format": "yuv420p"}))


def _filled(
    width: int, height: int, focus: tuple[float, float], colours: Mapping[str, Value], flags: str = _FLAGS
) -> tuple[Filter, ...]:
    """Scale until the frame is covered and crop about the focus; very long pictures are cropped roughly before."""
    x, y = focus
    scale = f"max({width}/(iw*{_SAR}),{height}/ih)"
    return (
        Filter(
            "crop",
            {
                "w": f"min(iw,{_LONGEST_CROP}*ceil(ih*{width}/{height}/{_SAR}))",
                "h": f"min(ih,{_LONGEST_CROP}*ceil(iw*{_SAR}*{height}/{width}))",
                "x": f"(iw-ow)*{x:.6f}",
                "y": f"(ih-oh)*{y:.6f}",
            },
        ),
        Filter(
            "scale",
            {
                "w": f"{width}+4*max(0,round((iw*{_SAR}*{scale}-{width})/4))",
                "h": f"{height}+4*max(0,round((ih*{scale}-{height})/4))",
                "flags": flags,
                **colours,
            },
        ),
        Filter(
            "crop",
            {
                "w": width,
                "h": height,
                "x": f"2*round(max(0,min(iw-{width},{x:.6f}*iw-{width}/2))/2)",
                "y": f"2*round(max(0,min(ih-{height},{y:.6f}*ih-{height}/2))/2)",
            },
        ),
    )


_SAR = "if(gt(sar,0),sar,1)"


def _fitted(form: Form, colours: Mapping[str, Value]) -> tuple[Filter, ...]:
    width, height = form.width, form.height
    scale = f"min({width}/(iw*{_SAR}),{height}/ih)"
    return (
        Filter(
            "scale",
            {
                "w": f"max(4,{width}-4*round(({width}-iw*{_SAR}*{scale})/4))",
                "h": f"max(4,{height}-4*round(({height}-ih*{scale})/4))",
                "flags": _FLAGS,
                **colours,
            },
        ),
    )


def _padded(form: Form) -> Filter:
    middle = {"x": "(ow-iw)/2", "y": "(oh-ih)/2"}
    return Filter("pad", {"width": form.width, "height": form.height, **middle, "color": "black"})


def _blurred(form: Form, colours: Mapping[str, Value]) -> tuple[Filter, ...]:
    """Fill the frame with a small copy that is blurred, darkened and enlarged."""
    width, height = (max(16, side // _BACKDROP_SCALE // 2 * 2) for side in (form.width, form.height))
    return (
        *_filled(width, height, form.focus, colours, "area+accurate_rnd+bitexact"),
        Filter("setsar", {"sar": 1}),
        Filter("gblur", {"sigma": _BACKDROP_BLUR}),
        Filter("scale", {"w": form.width, "h": form.height, "flags": _FLAGS}),
        Filter("lutyuv", {"y": f"minval+(val-minval)*{_BACKDROP_LIGHT}"}),
    )
