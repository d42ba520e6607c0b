"""The REST faces: OpenAI's, Perspective's and our own, one file a resource."""
