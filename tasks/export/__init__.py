"""The film for other programs, and back."""
