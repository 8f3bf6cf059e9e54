"""The other x-axes of text: compression, n-grams, repetition, Self-BLEU, ROUGE-L, Vendi and vocabulary, at one size for all corpora."""
