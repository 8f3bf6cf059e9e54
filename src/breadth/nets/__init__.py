"""Architectures, and nothing about what they are for."""
