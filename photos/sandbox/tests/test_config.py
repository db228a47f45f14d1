import pytest

from photos.sandbox.config import BadSettingError, from_environment


def test_by_default_the_sandbox_has_no_faults() -> None:
    config = from_environment({})
    assert (config.failure_rate, config.rate_limit, config.gone_rate) == (0, 0, 0)
    assert config.latency > 0


def test_environment_variables_are_read() -> None:
    config = from_environment({"SANDBOX_SEED": "7", "SANDBOX_LATENCY": "0", "SANDBOX_PHOTOS": "9"})
    assert (config.seed, config.latency, config.photos) == (7, 0, 9)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SANDBOX_FAILURE_RATE", "1.1"),
        ("SANDBOX_FAILURE_RATE", "-0.1"),
        ("SANDBOX_LATENCY", "soon"),
        ("SANDBOX_LATENCY", "nan"),
        ("SANDBOX_INTERVAL", "0"),
    ],
)
def test_an_error_names_the_variable_with_a_bad_value(name: str, value: str) -> None:
    with pytest.raises(BadSettingError, match=name):
        from_environment({name: value})
