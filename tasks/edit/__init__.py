"""The edit: it decides where cuts and effects are and touches no picture."""
