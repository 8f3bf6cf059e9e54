"""The command line: one short file a verb; parse, call a room, print."""
