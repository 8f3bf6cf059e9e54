"""From evidence to posts: what a sentence may lose, which evidence goes where, and the writers."""
