"""The diversity of text: batches of token sequences embedded by a GPT-2 probe (arXiv 2306.13840)."""
