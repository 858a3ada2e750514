"""What is claimed, measured: each a command that prints a table, with ``--json`` one object."""
