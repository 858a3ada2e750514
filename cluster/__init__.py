"""The platform: settings, rows, jobs, storage and the Ray runtime. It knows no music, no pixels and no HTTP."""
