"""``vibecraft render``: a song becomes a video, by the same rows and steps as over HTTP."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cluster.services import open_services
from cluster.settings import load_settings
from serve_app import changing, reworking, targets
from serve_app.commands.options import (
    AUTO,
    LOOKS,
    parse_card,
    parse_kinds,
    parse_seconds,
    parse_style,
    parse_time,
)
from serve_app.footage import take_in_all
from serve_app.making import Making
from serve_app.summary import json_summary, print_summary
from tasks.domain.clip import Fit
from tasks.domain.effect import EffectKind
from tasks.domain.rendition import rendition_name, rendition_of
from tasks.domain.request import AUTO_STYLE, Aspect, AudioMode, Deal, Rate, Resolution, VideoRequest, Words
from tasks.domain.segment import Codec, Preset
from tasks.domain.transition import TransitionKind
from tasks.media.ffmpeg import locate
from tasks.notation.lyrics import load as load_lyrics


def render(
    song: Annotated[Path, typer.Argument(help="The song: mp3, wav, flac, m4a, aac, ogg, opus, webm, mp4 or mov.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The video. [default: SONG's name with .mp4]")] = None,
    style: Annotated[str, typer.Option(help=f"The look: {LOOKS}; auto chooses by the song's energy.")] = AUTO_STYLE,
    aspect: Annotated[Aspect, typer.Option(help="Shape of the picture.")] = Aspect.LANDSCAPE,
    resolution: Annotated[Resolution, typer.Option(help="Length of the shorter side.")] = Resolution.P720,
    fps: Annotated[Rate, typer.Option(help="Frames per second.")] = Rate.R30,
    seed: Annotated[
        int | None, typer.Option(help="Another number gives another film. [default: from the song]")
    ] = None,
    start: Annotated[str | None, typer.Option(help="Begin here, in seconds or m:ss.")] = None,
    end: Annotated[str | None, typer.Option(help="End here, in seconds or m:ss.")] = None,
    preset: Annotated[Preset, typer.Option(help="Time and space that the pictures get.")] = Preset.STANDARD,
    shortest_shot: Annotated[str, typer.Option(help="No shot is shorter, in seconds.", metavar="SECONDS")] = "0.5",
    effects: Annotated[
        str, typer.Option(help="auto, all, none, or kinds with commas between: " + ", ".join(EffectKind) + ".")
    ] = AUTO,
    transitions: Annotated[
        str, typer.Option(help="auto, all, none, or kinds with commas between: " + ", ".join(TransitionKind) + ".")
    ] = AUTO,
    flash_limit: Annotated[
        bool, typer.Option("--flash-limit/--no-flash-limit", help="Keep flashes within WCAG 2.3.1.")
    ] = True,
    clips: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE|DIR", help="Your own footage, cut on the beat; repeat it, or name a folder."),
    ] = None,
    deal: Annotated[Deal, typer.Option(help="Clips in their order, or lively ones in loud shots.")] = Deal.ORDER,
    fit: Annotated[Fit, typer.Option(help="Clips of another shape: cropped, with bars, or over a blur.")] = Fit.FILL,
    lyrics: Annotated[
        Path | None, typer.Option(help="Keep these words with the song: lrc, srt, vtt, ass or plain text.")
    ] = None,
    words: Annotated[
        Words | None, typer.Option(help="How the words are shown. [default: line with --lyrics, else off]")
    ] = None,
    title: Annotated[str | None, typer.Option(help="A card at the beginning; \\n begins a row.")] = None,
    credits_: Annotated[str | None, typer.Option("--credits", help="A card at the end; \\n begins a row.")] = None,
    audio: Annotated[
        AudioMode, typer.Option(help="The sound: AAC is kept where that is exact; or always copy; or always encode.")
    ] = AudioMode.AUTO,
    codec: Annotated[
        Codec, typer.Option(help="How pictures are coded; h264 plays everywhere, h264_nvenc (a GPU's) is experimental.")
    ] = Codec.H264,
    short: Annotated[
        str | None, typer.Option(help="The best part of the song, 15, 30 or 60 seconds of it.", metavar="SECONDS")
    ] = None,
    loop: Annotated[
        str | None, typer.Option(help="Bars of about so many seconds (3 to 8) whose end meets their start.")
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(help="Another format of the same film beside it: 9:16, 1:1+480p, hevc; may be given again."),
    ] = None,
    timeline: Annotated[
        Path | None,
        typer.Option(help="Cut as in this OUT.timeline.json, or as in an exported film that an editor saved as .otio."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes side by side; 1 uses no Ray.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, progress on stderr.")] = False,
    check: Annotated[bool, typer.Option("--verify/--no-verify", help="Measure the finished file.")] = True,
    only_diff: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be encoded anew, why and how long, and stop.")
    ] = False,
) -> None:
    """Make a music video of SONG, cut on its beats."""
    target = targets.expect_target(out or Path(f"{song.stem}.mp4"), song, ".mp4")
    request = VideoRequest(
        style=parse_style(style),
        aspect=aspect,
        resolution=resolution,
        frame_rate=Fraction(fps),
        seed=seed,
        start_s=parse_time(start),
        end_s=parse_time(end),
        preset=preset,
        shortest_shot_s=parse_seconds(shortest_shot),
        effects=parse_kinds(effects, EffectKind),
        transitions=parse_kinds(transitions, TransitionKind),
        limit_flashes=flash_limit,
        deal=deal,
        fit=fit,
        words=words or (Words.OFF if lyrics is None else Words.LINE),
        title=parse_card(title),
        credits=parse_card(credits_),
        audio=audio,
        codec=codec,
        short_s=parse_time(short),
        loop_s=parse_time(loop),
    )
    given = None if lyrics is None else load_lyrics(lyrics)
    settings = load_settings()
    ffmpeg = locate(settings.ffmpeg_bin)
    services = open_services(settings, migrate=True)
    if timeline is not None:
        request = reworking.request_of(services, song, timeline, request)
    formats = {_beside(target, words): rendition_of(request, words) for words in also or []}
    console = Console(file=sys.stderr if as_json else sys.stdout)
    if clips:
        footage = take_in_all(services, clips, console, apart_from=(song, target, *formats))
        request = replace(request, footage=footage)
        formats = {path: replace(wanted, footage=footage) for path, wanted in formats.items()}
    if only_diff:
        planned = changing.plan(services, song, request, given, console, also=tuple(formats.values()))
        changing.tell(services, planned, as_json=as_json)
        return
    making = Making(services, song, given, ffmpeg=ffmpeg, console=console, workers=workers, check=check)
    made = making.films(request, target, formats)
    if as_json:
        first, *others = [json_summary(*each) for each in made]
        sys.stdout.write(json.dumps({**first, "renditions": others}) + "\n")
    else:
        for each in made:
            print_summary(*each, console)
    if any(report is not None and not report.ok for _, _, report, _ in made):
        raise typer.Exit(1)


def _beside(target: Path, words: str) -> Path:
    return target.with_name(f"{target.stem}.{rendition_name(words)}{target.suffix}")
