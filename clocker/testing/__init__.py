"""Fakes of every seam, for tests of Clocker and of what is built upon it: fast, thread-safe, in
memory, and held to the same contracts as the real implementations."""

from clocker.testing.commands import Execution
from clocker.testing.connections import FakeConnections
from clocker.testing.container import FakeContainer
from clocker.testing.engine import FakeEngine
from clocker.testing.faults import Call, Scripted
from clocker.testing.keys import FakeKeys
from clocker.testing.machines import FakeMachine, FakeMachines
from clocker.testing.network import FakeNames, FakeNetwork
from clocker.testing.parts import fake_parts, fake_spec
from clocker.testing.provider import FakeProvider
from clocker.testing.registry import FakeRegistry
from clocker.testing.shell import Ran, RecordingShell
from clocker.testing.watching import FakeClock, RecordingProgress, Told

__all__ = [
    "Call",
    "Execution",
    "FakeClock",
    "FakeConnections",
    "FakeContainer",
    "FakeEngine",
    "FakeKeys",
    "FakeMachine",
    "FakeMachines",
    "FakeNames",
    "FakeNetwork",
    "FakeProvider",
    "FakeRegistry",
    "Ran",
    "RecordingProgress",
    "RecordingShell",
    "Scripted",
    "Told",
    "fake_parts",
    "fake_spec",
]
