"""The Docker Engine of one host, through the Docker SDK."""

from clocker.engine.docker_engine import DockerEngine, open_engine

__all__ = ["DockerEngine", "open_engine"]
