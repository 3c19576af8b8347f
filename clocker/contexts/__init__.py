"""What images are built from: a folder, an archive, a repository, each as one tar.

An adapter: files, downloads and git are met here and nowhere else.
"""

from clocker.contexts.contexts import FileContexts, check_build

__all__ = ["FileContexts", "check_build"]
