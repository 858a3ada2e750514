"""Songs that count as heard: an analysis made by hand is stored as the engine would store it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from sqlalchemy import insert

from cluster.db.engine import writing
from cluster.db.ids import new_id
from cluster.db.tables import AnalysisRow, Song
from cluster.db.time import database_time
from cluster.services import Services
from tasks.domain.analysis import Analysis
from tasks.domain.document import ENGINE_VERSION
from tests.support.analyses import features


def hear_by_hand(services: Services, song: Song, analysis: Analysis, folder: Path) -> None:
    """Store a hum of the song's length, level curves and ``analysis`` as what this engine heard."""
    time = np.arange(analysis.samples) / analysis.sample_rate
    hum = 0.2 * np.sin(2 * np.pi * 220 * time)
    soundfile.write(folder / "heard.flac", np.stack([hum, hum], axis=1), analysis.sample_rate)
    (folder / "heard.f32").write_bytes(features(float(analysis.duration_s)).to_bytes())
    keys = {"sound_key": f"sounds/{song.id}.flac", "features_key": f"features/{song.id}.f32"}
    services.storage.put_file(folder / "heard.flac", keys["sound_key"])
    services.storage.put_file(folder / "heard.f32", keys["features_key"])
    with writing(services.engine) as session:
        session.execute(
            insert(AnalysisRow).values(
                id=new_id("analysis"),
                owner_id=song.owner_id,
                song_id=song.id,
                engine=ENGINE_VERSION,
                document=analysis.to_json(),
                created_at=database_time(),
                **keys,
            )
        )
