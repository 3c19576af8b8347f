"""Where images come from and go to, outside the cloud's engines."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RegistryAuth:
    """Who asks a registry. It is told with a request, and kept nowhere."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Registry:
    """``name``: ``HOST[:PORT][/NAMESPACE]``, what is below it. ``ca``: the certificate of who
    signed for it, PEM; empty: of those that the hosts accept anyway. ``mirror``: it is asked
    before Docker Hub. ``insecure``: without TLS, or with a certificate of anybody. ``push``: what
    is made of images is shared there. ``address``: where the hosts find its host, if not by the
    name servers."""

    name: str
    ca: str = ""
    mirror: bool = False
    insecure: bool = False
    push: bool = False
    address: str | None = None

    @property
    def host(self) -> str:
        """With its port."""
        return self.name.partition("/")[0]

    def holds(self, host: str, path: str) -> bool:
        """Whether an image of this registry and path is below it."""
        wanted = f"{host}/{path}"
        return wanted == self.name or wanted.startswith(f"{self.name}/")
