"""Text: corpora of documents, tokenisers, and batches of token sequences, which are the tasks of a text's diversity."""
