"""Sutdol: self-hosted AI that sharpens itself, and proves it."""

__version__ = "0.1.0"
