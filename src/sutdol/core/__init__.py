"""Errors, settings, registry, types and the text normaliser: imports nothing else of ours."""
