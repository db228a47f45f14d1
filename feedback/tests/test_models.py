from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from feedback.models import Feedback, mailbox_of

pytestmark = pytest.mark.django_db


def feedback(number: int, *, email: str = "ann@visitor.example", confirms: bool = True) -> Feedback:
    return Feedback.objects.create(
        email=email,
        mailbox=mailbox_of(email),
        message="Hello",
        submission=str(number),
        confirms=confirms,
    )


@pytest.mark.parametrize(
    "email", ["ann@visitor.example", "Ann@Visitor.Example", "ann+news@visitor.example"]
)
def test_spellings_of_an_address_have_one_mailbox(email: str) -> None:
    assert mailbox_of(email) == "ann@visitor.example"


def test_other_people_have_other_mailboxes() -> None:
    assert mailbox_of("a.nn@visitor.example") != mailbox_of("ann@visitor.example")


def test_confirmations_of_the_last_hour_are_counted_by_mailbox() -> None:
    feedback(1)
    feedback(2, email="Ann+news@visitor.example")
    feedback(3, email="bob@visitor.example")
    feedback(4, confirms=False)
    old = feedback(5)
    old.created_at = timezone.now() - timedelta(minutes=61)
    old.save()
    assert Feedback.objects.confirmations_to("ann@visitor.example") == 2


def test_a_submission_is_saved_once() -> None:
    feedback(1)
    with pytest.raises(IntegrityError):
        feedback(1)
