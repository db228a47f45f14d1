import pytest

from photos.sandbox.config import BadKnobError, from_environment


def test_nothing_set_is_a_calm_sandbox() -> None:
    config = from_environment({})
    assert (config.failure_rate, config.rate_limit, config.gone_rate) == (0, 0, 0)
    assert config.latency > 0


def test_knobs_are_read() -> None:
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
def test_a_bad_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(BadKnobError, match=name):
        from_environment({name: value})
