import time

import pytest

from feedback import tokens


def submission_id(token: str, *, email: str = "ann@visitor.example", message: str = "Hello") -> str:
    return tokens.submission_id(token, email=email, message=message)


def test_no_two_forms_have_the_same_token() -> None:
    assert tokens.new_token() != tokens.new_token()


def test_a_token_has_an_age(monkeypatch: pytest.MonkeyPatch) -> None:
    token, now = tokens.new_token(), time.time()
    monkeypatch.setattr(time, "time", lambda: now + 7)
    assert tokens.age_seconds(token) == pytest.approx(7, abs=5)


@pytest.mark.parametrize("token", ["", "nonsense", "x.1", "x.1:forged"])
def test_the_age_of_a_foreign_token_is_0(token: str) -> None:
    assert tokens.age_seconds(token) == 0


def test_the_age_of_a_token_from_the_future_is_0(monkeypatch: pytest.MonkeyPatch) -> None:
    token = tokens.new_token()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert tokens.age_seconds(token) == 0


def test_the_same_form_with_the_same_text_has_the_same_id() -> None:
    token = tokens.new_token()
    assert submission_id(token) == submission_id(token)


def test_another_form_text_or_address_has_another_id() -> None:
    token = tokens.new_token()
    assert (
        len(
            {
                submission_id(token),
                submission_id(token, message="Hello again"),
                submission_id(token, email="bob@visitor.example"),
                submission_id(tokens.new_token()),
            }
        )
        == 4
    )


def test_a_forged_token_gives_a_new_id_each_time() -> None:
    assert submission_id("forged") != submission_id("forged")
