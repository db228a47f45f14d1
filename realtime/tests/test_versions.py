from importlib.metadata import PackageNotFoundError

import pytest

from realtime.versions import is_tried_version


@pytest.mark.parametrize(
    ("number", "is_tried"),
    [
        *[("4.2.0", True), ("4.2.15", True), ("4.2", True), ("4.2.1rc1", True)],
        *[("4.3.0", False), ("4.20.1", False), ("4", False), ("4.3rc1", False)],
    ],
)
def test_only_the_minor_version_counts(number: str, is_tried: bool) -> None:
    def installed(package: str) -> str:
        return number

    assert is_tried_version("a", "4.2", consequence="b", installed=installed) is is_tried


def test_another_version_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        assert not is_tried_version(
            "daphne", "4.2", consequence="it is slow.", installed=lambda _: "9.1.2"
        )
    assert caplog.messages == ["daphne 9.1.2 is not 4.2.x, the tried version: it is slow."]


def test_a_package_without_metadata_is_of_no_tried_version(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def installed(package: str) -> str:
        raise PackageNotFoundError(package)

    assert not is_tried_version("c", "4.2", consequence="it is slow.", installed=installed)
    assert caplog.messages == ["c of unknown version is not 4.2.x, the tried version: it is slow."]


def test_the_installed_versions_are_the_tried_ones() -> None:
    for package, tried in [("daphne", "4.2"), ("Twisted", "26.10"), ("channels-redis", "4.3")]:
        assert is_tried_version(package, tried, consequence="")
