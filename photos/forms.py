import uuid

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from photos.tags import TAG_LENGTH_MAX, TAGS_MAX, joined, split

TEXT_MAX = 500


class ImportForm(forms.Form):
    tags = forms.CharField(
        required=False,
        max_length=TEXT_MAX,
        help_text="Commas between them; photos that have all of them. Empty: the newest of all.",
        widget=forms.TextInput(attrs={"placeholder": "sea, dusk", "autocapitalize": "none"}),
    )
    limit = forms.IntegerField(label="How many photos", min_value=1, initial=60)
    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they came
        self.most: int = settings.FLICKR_IMPORT_MAX
        limit = self.fields["limit"]
        limit.help_text = f"At most {self.most}."
        limit.widget.attrs |= {"max": self.most, "inputmode": "numeric"}
        if self.initial.get("limit", limit.initial) > self.most:
            self.initial["limit"] = self.most

    def clean_limit(self) -> int:
        limit: int = self.cleaned_data["limit"]
        if limit > self.most:
            raise ValidationError(f"One import takes {self.most} photos at most.")
        return limit

    def clean_tags(self) -> tuple[str, ...]:
        tags = split(self.cleaned_data["tags"])
        if len(tags) > TAGS_MAX:
            raise ValidationError(f"Flickr takes {TAGS_MAX} tags at most in one search.")
        if any(len(tag) > TAG_LENGTH_MAX for tag in tags):
            raise ValidationError(f"A tag has {TAG_LENGTH_MAX} characters at most.")
        if len(joined(tags)) > TEXT_MAX:  # small letters may be more: "İ" has two
            raise ValidationError(f"All tags together have {TEXT_MAX} characters at most.")
        return tags
