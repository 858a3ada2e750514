"""What goes over the wire about footage."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from cluster.db.tables import Footage
from tasks.domain.footage import FootageFacts


class FootageOut(BaseModel):
    """A clip that was taken in: its size is that of the upright picture with square pixels."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "footage_01k0a3v9q2x8m4n6p7r5s1t0wz",
                    "filename": "beach.mov",
                    "size_bytes": 18233071,
                    "width": 1080,
                    "height": 1920,
                    "duration_s": 12.4,
                    "fps": 29.97,
                    "frames": 372,
                    "is_hdr": False,
                    "note": None,
                    "created_at": "2026-11-24T12:00:00Z",
                }
            ]
        }
    )

    id: str
    filename: str
    size_bytes: int
    width: int
    height: int
    duration_s: float
    fps: float
    frames: int
    is_hdr: bool
    note: str | None
    created_at: datetime

    @classmethod
    def of(cls, footage: Footage) -> FootageOut:
        """Show a row."""
        seen = FootageFacts.from_json(footage.document)
        return cls(
            id=footage.id,
            filename=footage.filename,
            size_bytes=footage.size_bytes,
            width=seen.width,
            height=seen.height,
            duration_s=round(float(seen.duration_s), 3),
            fps=round(float(seen.frame_rate), 3),
            frames=seen.frames,
            is_hdr=seen.is_hdr,
            note=seen.note,
            created_at=footage.created_at,
        )


class FootagePage(BaseModel):
    """Some of your clips; ``next`` is the cursor of the page that follows."""

    items: list[FootageOut]
    next: str | None
