"""Adapters to model engines: the only place for scikit-learn, torch, LLM clients and embedders."""
