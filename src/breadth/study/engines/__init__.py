"""Where runs execute: one protocol, three places; claims keep any number of them from doing a run twice."""
