"""Built-in styles: moving pictures computed from a song, without a model, a screen or a graphics card."""
