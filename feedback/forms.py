from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.mail.message import sanitize_address

from feedback import tokens
from feedback.conf import conf

NOT_AN_ADDRESS = "This does not look like an email address. Is there a slip in it?"


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One sending of the form, checked. `id` is the same for a repetition of it."""

    id: str
    email: str
    message: str


class MessageField(forms.CharField):
    """Text from a textarea, whose line ends a browser sends as two characters and counts as one."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        text = str(value or "").replace("\r\n", "\n").replace("\r", "\n")
        return super().to_python(text) or ""


class FeedbackForm(forms.Form):
    email = forms.EmailField(
        label="Your email address",
        max_length=254,  # RFC 5321 4.5.3.1.3: a path has 256 octets, its brackets included
        error_messages={
            "required": "Enter your email address, so that we can answer you.",
            "invalid": NOT_AN_ADDRESS,
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    message = MessageField(
        label="Your message",
        error_messages={"required": "Write your message first."},
        # No maxlength: a browser would cut a longer text that is pasted without a word.
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    # No name that a browser or a password manager knows: it would fill in the visitor's own.
    topic = forms.CharField(
        label="Leave this empty",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )
    token = forms.CharField(
        required=False, initial=tokens.new_token, widget=forms.HiddenInput(attrs={"id": None})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)

    def clean_email(self) -> str:
        """Only addresses that any mail server takes and that cannot be misread in a header.

        Django's own check lets through quoted local parts, with control characters in them, and
        hosts without a domain, by number or by name, which may be machines of this network.
        """
        address: str = self.cleaned_data["email"]
        if set(address) & set('"[]') or address.endswith("@localhost"):
            raise ValidationError(NOT_AN_ADDRESS, code="invalid")
        try:
            sanitize_address(address, "utf-8")
        except (UnicodeError, ValueError):  # a domain that has no form for the mail server
            raise ValidationError(NOT_AN_ADDRESS, code="invalid") from None
        return address

    def clean_message(self) -> str:
        message: str = self.cleaned_data["message"]
        if len(message) > conf.MESSAGE_MAX:
            raise ValidationError(
                f"Your message has {len(message):,} characters; we can take {conf.MESSAGE_MAX:,}. "
                "Nothing is lost: shorten it and send it again.",
                code="max_length",
            )
        return message

    @property
    def is_trapped(self) -> bool:
        """People do not see the field `topic`; robots fill in whatever they find."""
        return bool(self.cleaned_data["topic"])

    @property
    def too_early(self) -> float:
        """By how many seconds the form came back sooner than a person could have filled it in."""
        return max(0.0, conf.MIN_SECONDS - tokens.age(self.cleaned_data["token"]))

    def submission(self) -> Submission:
        email, message = self.cleaned_data["email"], self.cleaned_data["message"]
        return Submission(
            id=tokens.submission_of(self.cleaned_data["token"], email=email, message=message),
            email=email,
            message=message,
        )
