"""libcloud's own tests of a compute driver, over a cloud in memory."""

from __future__ import annotations

import unittest

# Not by name: pytest would take the mixin itself for a test.
from libcloud.test import compute as libclouds

from clocker.cloud import Cloud
from clocker.driver import ClockerNodeDriver
from clocker.testing import fake_parts


class TestClockerNodeDriver(libclouds.TestCaseMixin, unittest.TestCase):
    should_list_volumes = True

    def setUp(self) -> None:
        cloud = Cloud(fake_parts())
        cloud.up()
        self.driver = ClockerNodeDriver(ex_cloud=cloud)
        size, image = self.driver.list_sizes()[0], self.driver.list_images()[0]
        self.driver.create_volume(1, "data")
        self.driver.create_node("there-already", size, image)
