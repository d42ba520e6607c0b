"""The gateway: chats and embeddings passed on to model servers, guarded, counted and kept."""
