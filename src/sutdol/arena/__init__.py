"""Attacker against guard, in rounds."""
