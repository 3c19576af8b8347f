"""From an application's description to what runs: plans carried out, and what was deployed looked
after."""

from clocker.deploy.applications import Applications
from clocker.deploy.reports import ApplicationView, ContainerView, Preview, ServiceView

__all__ = ["ApplicationView", "Applications", "ContainerView", "Preview", "ServiceView"]
