"""Words on raw planes, inside the one encode, by the film's integer frame numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tasks.domain.caption import Caption
from tasks.media.captions.block import Block, one_thread
from tasks.media.frames import I420

__all__ = ["draw_captions"]


def draw_captions(pictures: Iterable[I420], captions: Sequence[Caption], first_frame: int) -> Iterator[I420]:
    """Draw ``captions`` on ``pictures``, whose first is the film's frame ``first_frame``, in place.

    A caption is drawn once, when its first picture comes, and is forgotten after its last. What a picture shows
    depends on its frame number alone.

    Raises
    ------
    ToolMissing
        If a caption's font is not on this machine.
    """
    if captions:
        one_thread()
    blocks: dict[int, Block] = {}
    for frame, picture in enumerate(pictures, first_frame):
        for place, caption in enumerate(captions):
            if caption.start_frame <= frame < caption.end_frame:
                if place not in blocks:
                    height, width = picture.y.shape
                    blocks[place] = Block(caption, (width, height))
                blocks[place].lay_over(picture, frame)
            else:
                blocks.pop(place, None)
        yield picture
