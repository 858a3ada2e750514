"""Steps: each takes its input and a context and tells an outcome."""
