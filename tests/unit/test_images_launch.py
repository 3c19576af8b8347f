from __future__ import annotations

import pytest

from clocker.errors import BadInput
from clocker.images import SSH_ENTRY, Launch, launch
from clocker.model import ContainerRequest, ImageInfo


def image(*command: str, entrypoint: tuple[str, ...] = (), user: str = "") -> ImageInfo:
    return ImageInfo("sha256:1", command=command, entrypoint=entrypoint, user=user)


@pytest.mark.parametrize(
    ("wanted", "held_open"),
    [
        (image("bash"), True),
        (image("/bin/sh"), True),
        (image("/bin/bash", "-l"), True),
        (image("/bin/sh", "-c", "bash"), True),
        (image(entrypoint=("/bin/bash",)), True),
        (image("/bin/sh", "-c", "bash run.sh"), False),
        (image("bash", "run.sh"), False),
        (image("catalina.sh", "run"), False),
        (image("bash", entrypoint=("/entry",)), False),
    ],
)
def test_an_image_that_is_only_a_shell_is_held_open(wanted: ImageInfo, held_open: bool) -> None:
    assert launch(ContainerRequest("x"), wanted) == Launch(interactive=held_open)


def test_an_image_that_says_nothing_becomes_a_shell() -> None:
    assert launch(ContainerRequest("x"), image()) == Launch(command=("/bin/sh",), interactive=True)


def test_what_was_asked_for_is_handed_on() -> None:
    request = ContainerRequest("x", command=("sleep", "9"), entrypoint=("/e",), user="app")
    assert launch(request, image("bash")) == Launch(("/e",), ("sleep", "9"), user="app")
    assert launch(ContainerRequest("x", command=("true",)), image("bash")) == Launch(
        command=("true",)
    )


@pytest.mark.parametrize(
    ("request_", "wanted", "program"),
    [
        (ContainerRequest("x", ssh=True), image("run"), ("run",)),
        (ContainerRequest("x", ssh=True), image("run", entrypoint=("/e",)), ("/e", "run")),
        (
            ContainerRequest("x", ssh=True, command=("a",)),
            image("run", entrypoint=("/e",)),
            ("/e", "a"),
        ),
        (ContainerRequest("x", ssh=True, entrypoint=("/mine",)), image("run"), ("/mine",)),
    ],
)
def test_ssh_comes_before_the_images_program(
    request_: ContainerRequest, wanted: ImageInfo, program: tuple[str, ...]
) -> None:
    assert launch(request_, wanted) == Launch((SSH_ENTRY, "--user", "0", "--"), program, user="0")


@pytest.mark.parametrize("wanted", [image("bash"), image(), image("/bin/sh")])
def test_sshd_stands_for_a_shell(wanted: ImageInfo) -> None:
    assert launch(ContainerRequest("x", ssh=True), wanted) == Launch((SSH_ENTRY,), (), user="0")


def test_the_program_keeps_its_user_beside_sshd() -> None:
    request = ContainerRequest("x", ssh=True)
    assert launch(request, image("run", user="app")).entrypoint == (
        (SSH_ENTRY, "--user", "app", "--")
    )
    mine = launch(ContainerRequest("x", ssh=True, user="7:8"), image("run", user="app"))
    assert mine.entrypoint == (SSH_ENTRY, "--user", "7:8", "--")
    assert mine.user == "0"


def test_ssh_in_a_read_only_container_is_refused() -> None:
    with pytest.raises(BadInput, match="read-only"):
        launch(ContainerRequest("x", ssh=True, read_only=True), image("run"))
