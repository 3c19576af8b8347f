"""Compose files, as the Compose specification has them, read as applications."""
