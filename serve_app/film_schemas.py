"""What is told of a video's segments, over the wire."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tasks.domain.difference import Reason
from tasks.domain.request import Aspect, Resolution
from tasks.domain.segment import Codec


class RenditionIn(BaseModel):
    """Another format of a film; what is left out is as in the film."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"aspect": "9:16"}]})

    aspect: Aspect | None = None
    resolution: Resolution | None = None
    codec: Codec | None = None

    @property
    def words(self) -> str:
        """The format in one word."""
        return "+".join(each.value for each in (self.aspect, self.resolution, self.codec) if each is not None)


class DifferenceOut(BaseModel):
    """One reason why a segment is encoded anew."""

    reason: Reason
    detail: str


class ChangeOut(BaseModel):
    """A segment that would be encoded."""

    segment: int
    shot: int
    start_frame: int
    end_frame: int
    differences: list[DifferenceOut]
    seconds: float | None = Field(
        description="On one core, by the times of earlier segments; null before there are any."
    )


class ChangesOut(BaseModel):
    """What rendering a planned video would encode anew."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "segments": 24,
                    "kept": 23,
                    "compared_with": "video_01k0a3v9q2x8m4n6p7r5s1t0wz",
                    "seconds": 1.9,
                    "changes": [
                        {
                            "segment": 7,
                            "shot": 7,
                            "start_frame": 412,
                            "end_frame": 498,
                            "differences": [{"reason": "effect", "detail": "flash"}],
                            "seconds": 1.9,
                        }
                    ],
                }
            ]
        }
    )

    segments: int
    kept: int
    compared_with: str | None
    seconds: float | None
    changes: list[ChangeOut]
