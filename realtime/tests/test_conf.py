import pytest
from pytest_django import Settings

from realtime.conf import NAMES, Conf, conf


def test_a_setting_of_the_project_wins(settings: Settings) -> None:
    settings.REALTIME_LEASE = 7.0
    assert conf.LEASE == 7.0


def test_without_one_the_default_holds(settings: Settings) -> None:
    del settings.REALTIME_LEASE
    assert vars(Conf)["LEASE"] == conf.LEASE


@pytest.mark.parametrize("name", set(NAMES) - {"REALTIME_TRUSTED_PROXIES"})
def test_every_default_but_that_of_proxies_is_positive(name: str) -> None:
    assert vars(Conf)[name.removeprefix("REALTIME_")] > 0
