"""The document that ``clocker init`` writes: annotated, and valid as it stands."""

from __future__ import annotations

_SHAPES = {
    "local": "  cores: 1             # of each host; 0 means unlimited\n  ram: 1GiB\n",
    "localhost": "",
}

_DOCUMENT = """\
# A Clocker cloud. Every key is explained in docs/config.md; what is left out has a default.
#   clocker up         makes the hosts
#   clocker run IMAGE  asks for a container
name: {name}

hosts:
  provider: {provider}      # an entry of providers.yaml; your own file may stand beside this one
  count: {count}             # made by `clocker up`
  maximum: {maximum}           # more are made on demand, up to this many
{shape}
# Which host takes a container: filters say which may, preferences which rather.
rules:
  - fits
  - max_containers: 20
  - breadth_first

# Who may log in to containers that are requested with --ssh, besides this machine:
# ssh:
#   authorized_keys: [~/.ssh/id_ed25519.pub]

# Where the state is kept; a team shares a PostgreSQL database:
# store: postgresql://clocker:${{PGPASSWORD}}@db.example.org/clocker
"""


def starter_document(name: str, provider: str) -> str:
    """``name``, ``provider``: already checked by the caller."""
    only_one = provider == "localhost"
    return _DOCUMENT.format(
        name=name,
        provider=provider,
        count=1 if only_one else 2,
        maximum=1 if only_one else 4,
        shape=_SHAPES.get(provider, "  # cores: 2          # of each host\n  # ram: 4GiB\n"),
    )
