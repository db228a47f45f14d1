import pytest

from picha.http.security_policy import content_security_policy


@pytest.mark.parametrize("directive", ["default-src", "script-src", "style-src"])
def test_only_the_sites_own_files_are_loaded(directive: str) -> None:
    assert content_security_policy([])["DIRECTIVES"][directive] == ["'self'"]


def test_sockets_are_allowed_to_each_origin_that_a_policy_can_contain() -> None:
    policy = content_security_policy(["https://photos.example", "http://[::1]:8000"])
    assert policy["DIRECTIVES"]["connect-src"] == ["'self'", "wss://photos.example"]
