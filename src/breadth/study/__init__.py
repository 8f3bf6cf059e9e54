"""What was planned, what happened, what follows. Only run.py and the worker import torch."""
