"""The work: songs, timelines, pixels, steps and the ways they are run."""
