"""Findings -> things to look at: figure, table, page. What is drawn is what was stored."""
