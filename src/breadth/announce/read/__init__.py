"""A paper's PDF, taken apart: characters, lines, reading order, front matter, sentences, links, figures and tables."""
