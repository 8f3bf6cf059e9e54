"""What stands between a draft and its readers: lengths, links, structure, and every number, name and hedge against the source."""
