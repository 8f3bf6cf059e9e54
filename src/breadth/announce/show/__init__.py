"""A thread as files: Markdown, JSON, the pictures, a sheet of all of them, and a page that looks like the thread."""
