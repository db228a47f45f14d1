from typing import get_type_hints

import pytest
from pytest_django import Settings

from realtime.conf import AppSettings, Conf, conf


def test_a_setting_of_the_project_overrides_the_default(settings: Settings) -> None:
    settings.REALTIME_LEASE = 7.0
    assert conf.LEASE == 7.0


def test_the_default_is_used_without_a_setting(settings: Settings) -> None:
    del settings.REALTIME_LEASE
    assert vars(Conf)["LEASE"] == conf.LEASE


def test_another_app_has_settings_with_a_prefix_of_its_own(settings: Settings) -> None:
    class ShopConf(AppSettings):
        LEASE: float = 1.0

    settings.SHOP_LEASE = 2.0
    assert ShopConf("SHOP_").LEASE == 2.0


@pytest.mark.parametrize("name", set(get_type_hints(Conf)) - {"TRUSTED_PROXIES"})
def test_every_default_but_the_number_of_proxies_is_positive(name: str) -> None:
    assert vars(Conf)[name] > 0
