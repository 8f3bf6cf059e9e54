"""Checkpoints that other programs wrote: what they are, and the bodies in them, without executing anything of theirs."""
