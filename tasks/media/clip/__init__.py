"""Footage as a source of pictures: any clip brought to the film's size, rate and colours."""
