"""The report as one page for people: what is wrong in plain words, and the film on one clock, light or dark.

The page needs nothing else: its pictures are drawn into it, and it runs no script.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from tasks.domain.timebase import rate_text
from tasks.media.verify.chart import draw_chart
from tasks.media.verify.report import Report
from tasks.media.verify.search import sure
from tasks.media.verify.style import STYLE
from tasks.media.verify.wording import count

_MOST_ROWS = 400


def draw_page(title: str, report: Report) -> str:
    """Give the page as HTML; ``title`` names the film."""
    good = report.ok
    verdict = (
        "This film is what it should be" if good else f"{count(len(report.problems), 'thing')} wrong with this film"
    )
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}: verified</title><style>{STYLE}</style></head><body><main>",
            f'<header><p class="film">{escape(title)}</p>',
            f'<h1 class="{"good" if good else "bad"}"><span>{"✓" if good else "!"}</span>{verdict}</h1></header>',
            *_sentences("problems", report.problems),
            *_sentences("notes", report.warnings),
            '<section class="figures">',
            *(_figure(*figure) for figure in _figures(report)),
            "</section>",
            f"<section><h2>The film on its clock</h2>{draw_chart(report)}</section>",
            *_cuts(report),
            f"<section><h2>The free search</h2><p>{escape(report.doubt())}</p></section>",
            "</main></body></html>\n",
        ]
    )


def _sentences(kind: str, sentences: tuple[str, ...]) -> Iterator[str]:
    if sentences:
        yield f'<ul class="{kind}">'
        yield from (f"<li>{escape(sentence)}</li>" for sentence in sentences)
        yield "</ul>"


def _figure(name: str, value: str, note: str, state: str) -> str:
    return f'<div class="{state}"><dt>{name}</dt><dd>{escape(value)}</dd><p>{escape(note)}</p></div>'


def _figures(report: Report) -> Iterator[tuple[str, str, str, str]]:
    """Give name, value, note and state of each figure."""
    yield _picture_figure(report)
    yield _cut_figure(report)
    yield from _sound_figures(report)
    worst = max(report.flashes.most_general, report.flashes.most_red)
    flashes = "bad" if report.flashes.spells and not report.limiter_off else "plain"
    yield "Flashes", f"{worst:g} a second", "at most, 3 are allowed", flashes
    steady = report.irregular_pts == 0 and not report.gaps
    stamps = "each frame at its time" if steady else f"{count(report.irregular_pts, 'frame')} off their time"
    yield "Time stamps", "regular" if steady else "irregular", stamps, "plain" if steady else "bad"
    whole = report.decode_errors == 0
    joins = f"{count(len(report.joins.keyframes), 'keyframe')}, {report.joins.at_cuts} of them at cuts"
    yield "Decoding", "whole" if whole else count(report.decode_errors, "error"), joins, "plain" if whole else "bad"


def _picture_figure(report: Report) -> tuple[str, str, str, str]:
    repeats = f"{report.duplicates} doubled, {report.missing} missing"
    is_bad = report.frames != report.expected_frames or (report.planned and report.duplicates > 0)
    frames = f"{report.frames} at {rate_text(report.fps).removesuffix('/1')}"
    return "Frames", frames, f"{report.expected_frames} expected, {repeats}", "bad" if is_bad else "plain"


def _cut_figure(report: Report) -> tuple[str, str, str, str]:
    if not report.planned:
        return "Cuts", str(len(sure(report.detected))), "found without a plan", "plain"
    right = sum(cut.found_frame == cut.frame for cut in report.cuts)
    worst_ms = (report.cut_error_max_frames or 0.0) / float(report.fps) * 1000
    note = f"proven in the pixels, at most {report.cut_error_max_frames:.2f} frames ({worst_ms:.0f} ms) off the beat"
    return "Cuts", f"{right} of {len(report.cuts)}", note, "plain" if right == len(report.cuts) else "bad"


def _sound_figures(report: Report) -> Iterator[tuple[str, str, str, str]]:
    sound = report.sound
    if report.sound_s is None:
        yield "Sound", "none", "the film is mute", "bad"
    elif sound.lag_ms is not None and sound.similarity is not None:
        drift = f"drift {round(100 * (sound.drift or 0.0), 3) + 0.0:+.3f} %, similarity {sound.similarity:.3f}"
        told = any("sound" in problem for problem in report.problems)
        yield "Sound", f"{sound.lag_ms:+.1f} ms", f"{sound.lag_samples:+d} samples, {drift}", "bad" if told else "plain"
    else:
        yield "Sound", "not compared", "no song was given", "plain"
    if sound.loudness is not None:
        peak = f"true peak {sound.loudness.true_peak_dbtp:+.1f} dBTP, range {sound.loudness.range_lu:.1f} LU"
        yield "Loudness", f"{sound.loudness.integrated_lufs:.1f} LUFS", peak, "plain"


def _cuts(report: Report) -> Iterator[str]:
    """Give the table of cuts: the plan's, or without one those found."""
    rows = _planned_rows(report) if report.planned else _found_rows(report)
    if not rows:
        return
    planned = ("frame", "time", "kind", "found at", "off the beat", "by ear")
    names = planned if report.planned else ("frame", "time", "confidence", "off the beat")
    yield "<section><h2>Cuts</h2><div class='scroll'><table><thead><tr>"
    yield "".join(f"<th>{name}</th>" for name in names) + "</tr></thead><tbody>"
    yield from rows[:_MOST_ROWS]
    yield "</tbody></table></div>"
    if len(rows) > _MOST_ROWS:
        yield f"<p>{len(rows) - _MOST_ROWS} more are in the JSON report.</p>"
    yield "</section>"


def _planned_rows(report: Report) -> list[str]:
    fps = float(report.fps)
    rows = []
    for cut in report.cuts:
        found = "not found" if cut.found_frame is None else str(cut.found_frame)
        cells = (
            str(cut.frame),
            _clock(cut.frame / fps),
            cut.transition or "cut",
            found,
            _error(cut.error_frames, fps),
            _error(cut.own_error_frames, fps),
        )
        rows.append(_row(cells, is_bad=cut.found_frame != cut.frame))
    return rows


def _found_rows(report: Report) -> list[str]:
    fps = float(report.fps)
    return [
        _row((str(cut.frame), _clock(cut.frame / fps), f"{cut.confidence:.0%}", _error(cut.error_frames, fps)))
        for cut in report.detected
    ]


def _row(cells: tuple[str, ...], *, is_bad: bool = False) -> str:
    mark = ' class="bad"' if is_bad else ""
    return f"<tr{mark}>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{seconds % 60:06.3f}"


def _error(frames: float | None, fps: float) -> str:
    return "-" if frames is None else f"{frames:+.2f} frames, {frames / fps * 1000:+.0f} ms"
