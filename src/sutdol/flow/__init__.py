"""Durable flows: our small port over DBOS."""
