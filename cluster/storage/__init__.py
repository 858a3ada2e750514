"""Bytes by content key."""
