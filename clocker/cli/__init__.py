"""The command line: each verb opens the cloud, calls the method of the same name and prints."""

from clocker.cli.main import main

__all__ = ["main"]
