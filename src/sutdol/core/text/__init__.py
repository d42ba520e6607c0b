"""The normaliser: one text in, several views of it out, each mapped back to the original."""
