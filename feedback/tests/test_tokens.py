import time

import pytest

from feedback import tokens


def submission(token: str, *, email: str = "ann@visitor.example", message: str = "Hello") -> str:
    return tokens.submission_of(token, email=email, message=message)


def test_no_two_forms_have_the_same_token() -> None:
    assert tokens.new_token() != tokens.new_token()


def test_a_token_knows_how_long_ago_it_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    token, now = tokens.new_token(), time.time()
    monkeypatch.setattr(time, "time", lambda: now + 7)
    assert tokens.age(token) == pytest.approx(7, abs=5)


@pytest.mark.parametrize("token", ["", "nonsense", "x.1", "x.1:forged"])
def test_a_token_of_somebody_elses_making_is_of_no_age(token: str) -> None:
    assert tokens.age(token) == 0


def test_a_token_from_the_future_is_of_no_age(monkeypatch: pytest.MonkeyPatch) -> None:
    token = tokens.new_token()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert tokens.age(token) == 0


def test_the_same_form_with_the_same_text_is_a_repetition() -> None:
    token = tokens.new_token()
    assert submission(token) == submission(token)


def test_another_text_another_sender_or_another_form_is_not() -> None:
    token = tokens.new_token()
    assert (
        len(
            {
                submission(token),
                submission(token, message="Hello again"),
                submission(token, email="bob@visitor.example"),
                submission(tokens.new_token()),
            }
        )
        == 4
    )


def test_a_forged_token_names_no_earlier_sending() -> None:
    assert submission("forged") != submission("forged")
