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
        help_text="Commas between tags; photos must have all of them. Empty: the newest photos.",
        widget=forms.TextInput(attrs={"placeholder": "sea, dusk", "autocapitalize": "none"}),
    )
    limit = forms.IntegerField(label="How many photos", min_value=1, initial=60)
    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed on unchanged
        self.limit_max: int = settings.FLICKR_IMPORT_MAX
        limit = self.fields["limit"]
        limit.help_text = f"At most {self.limit_max}."
        limit.widget.attrs |= {"max": self.limit_max, "inputmode": "numeric"}
        if self.initial.get("limit", limit.initial) > self.limit_max:
            self.initial["limit"] = self.limit_max

    def clean_limit(self) -> int:
        limit: int = self.cleaned_data["limit"]
        if limit > self.limit_max:
            raise ValidationError(f"One import takes at most {self.limit_max} photos.")
        return limit

    def clean_tags(self) -> tuple[str, ...]:
        tags = split(self.cleaned_data["tags"])
        if len(tags) > TAGS_MAX:
            raise ValidationError(f"Flickr takes at most {TAGS_MAX} tags in one search.")
        if any(len(tag) > TAG_LENGTH_MAX for tag in tags):
            raise ValidationError(f"A tag has at most {TAG_LENGTH_MAX} characters.")
        if len(joined(tags)) > TEXT_MAX:  # lower case may be longer: "İ" becomes two characters
            raise ValidationError(f"All tags together have at most {TEXT_MAX} characters.")
        return tags
