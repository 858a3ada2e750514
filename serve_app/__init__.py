"""The edge: HTTP on Ray Serve and the command line."""
