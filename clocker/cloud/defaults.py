"""What the cloud's verbs take where nobody says otherwise."""

GRACE_S = 3600.0
"""How long what carries the cloud's name may be unknown to it: somebody may just be making it."""

SAMPLE = 5
"""Containers of each network that a check of the networks takes."""
