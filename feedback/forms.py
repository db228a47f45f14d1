from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from feedback import tokens
from feedback.addresses import MAX_LENGTH, NotAnAddress, UnsupportedAddress, canonical_address
from feedback.conf import conf

NOT_AN_ADDRESS = "This does not look like an email address. Is there a typo in it?"
UNSUPPORTED_ADDRESS = (
    "We cannot write to this address: before the @ it has characters other than the letters a to "
    "z, digits and ASCII punctuation. Please enter another address of yours."
)


@dataclass(frozen=True, kw_only=True)
class Submission:
    """A valid form. `id` is the same if the form is sent again, for example by a double click."""

    id: str
    email: str
    message: str


class MessageField(forms.CharField):
    """A textarea. Browsers count a line break as one character but send it as two."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        text = str(value or "").replace("\r\n", "\n").replace("\r", "\n")
        return super().to_python(text) or ""


class AddressField(forms.EmailField):
    """An email address; its cleaned value is the canonical address."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        if not text or len(text) > MAX_LENGTH:
            return text  # the field's own checks refuse it
        try:
            return canonical_address(text)
        except UnsupportedAddress:
            raise ValidationError(UNSUPPORTED_ADDRESS, code="unsupported") from None
        except NotAnAddress:
            raise ValidationError(NOT_AN_ADDRESS, code="invalid") from None


class FeedbackForm(forms.Form):
    email = AddressField(
        label="Your email address",
        max_length=MAX_LENGTH,
        error_messages={
            "required": "Enter your email address, so that we can answer you.",
            "invalid": NOT_AN_ADDRESS,
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    message = MessageField(
        label="Your message",
        error_messages={"required": "Write your message first."},
        # No maxlength, because browsers silently cut longer text that is pasted.
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    # The name must be unknown to browsers and password managers, which would fill it in.
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

    def clean_message(self) -> str:
        message: str = self.cleaned_data["message"]
        length, maximum = len(message), conf.MESSAGE_MAX
        if length > maximum:
            raise ValidationError(
                f"Your message has {length:,} characters; the maximum is {maximum:,}. "
                "Your text is still here: please shorten it and send it again.",
                code="max_length",
            )
        return message

    @property
    def is_from_robot(self) -> bool:
        """People do not see the field `topic`, but robots fill in every field."""
        return bool(self.cleaned_data["topic"])

    @property
    def seconds_too_early(self) -> float:
        """How many seconds sooner the form was sent than a person could have filled it in."""
        return max(0.0, conf.MIN_SECONDS - tokens.age_seconds(self.cleaned_data["token"]))

    def submission(self) -> Submission:
        email, message = self.cleaned_data["email"], self.cleaned_data["message"]
        return Submission(
            id=tokens.submission_id(self.cleaned_data["token"], email=email, message=message),
            email=email,
            message=message,
        )
