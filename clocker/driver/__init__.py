"""A Clocker cloud as a libcloud compute driver: ``import clocker.driver`` registers it as
``clocker``, and ``libcloud.compute.providers.get_driver("clocker")`` finds it."""

from clocker.driver.node_driver import PROVIDER, ClockerNodeDriver, register

__all__ = ["PROVIDER", "ClockerNodeDriver", "register"]

register()
