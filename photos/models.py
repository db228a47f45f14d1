"""Photos, their licences, and what imports remember between runs."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.validators import URLValidator
from django.db import models, transaction
from django.db.models import Count, F, Max, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.safestring import SafeString, mark_safe

from photos.licences import ALL_RIGHTS_RESERVED

PICTURE_TRIES_MAX = 5

web_address = URLValidator(schemes=["http", "https"])


class Licence(models.Model):
    """A licence by Flickr's number. Flickr adds some: they are data."""

    number = models.PositiveIntegerField(primary_key=True)
    name = models.CharField(max_length=100)
    url = models.CharField(max_length=300, blank=True, validators=[web_address])

    class Meta:
        ordering = ("number",)

    def __str__(self) -> str:
        return self.name


class PhotoQuerySet(models.QuerySet["Photo"]):
    def shown(self) -> "PhotoQuerySet":
        return self.exclude(thumbnail="")

    def newest_first(self) -> "PhotoQuerySet":
        return self.order_by("-uploaded_at", "-id")

    def without_picture(self) -> "PhotoQuerySet":
        """Those whose picture could not be had yet, and may be had another time."""
        wanting = Q(thumbnail="") | ~Q(thumbnail_of=F("picture"))
        waiting = self.filter(wanting, gone_at=None, picture_tries__lt=PICTURE_TRIES_MAX)
        return waiting.newest_first()

    def seen(self, flickr_ids: Iterable[str], *, at: datetime) -> int:
        """Within a transaction; it locks the rows in order, so that no two wait for each other."""
        found = self.filter(flickr_id__in=list(flickr_ids))
        rows = found.order_by("flickr_id").select_for_update().values("pk")
        return self.model.objects.filter(pk__in=rows).update(last_seen_at=at)

    def summary(self) -> tuple[int, datetime | None]:
        """How many are shown, and when an import last saw one of them."""
        found = self.shown().aggregate(number=Count("id"), updated_at=Max("last_seen_at"))
        return found["number"], found["updated_at"]


class Photo(models.Model):
    """A photo at Flickr; shown once its thumbnail is there."""

    flickr_id = models.CharField(max_length=20, unique=True)
    title = models.CharField(max_length=255, blank=True)
    description = models.TextField(blank=True, help_text="HTML, cleaned before it was saved.")
    owner_nsid = models.CharField(max_length=30)
    owner_name = models.CharField(max_length=255, blank=True)
    licence = models.ForeignKey(
        Licence,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        help_text="Not known from the feed; shown as all rights reserved then.",
    )
    # The owner's own clock, in no zone: a DateTimeField would claim one.
    taken = models.CharField(max_length=19, blank=True, help_text="YYYY-MM-DD HH:MM:SS, local.")
    taken_granularity = models.PositiveSmallIntegerField(
        default=0, help_text="0 exact, 4 the month, 6 the year, 8 circa."
    )
    uploaded_at = models.DateTimeField()
    tags = models.JSONField(default=list, blank=True)
    page_url = models.CharField(max_length=300, validators=[web_address])
    image_urls = models.JSONField(default=list)
    picture = models.CharField(
        max_length=100,
        blank=True,
        help_text="What the addresses of all its sizes share; its owner may replace it.",
    )
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)

    thumbnail = models.CharField(
        max_length=64, blank=True, help_text="The digest of the file, which is in its name."
    )
    thumbnail_of = models.CharField(
        max_length=100, blank=True, help_text="The picture that the thumbnail was made of."
    )
    thumbnail_width = models.PositiveSmallIntegerField(default=0)
    thumbnail_height = models.PositiveSmallIntegerField(default=0)
    picture_tries = models.PositiveSmallIntegerField(default=0)
    gone_at = models.DateTimeField(
        null=True, blank=True, help_text="When its picture was found to be no longer at Flickr."
    )

    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)

    objects = PhotoQuerySet.as_manager()

    class Meta:
        ordering = ("-uploaded_at", "-id")
        indexes = (
            models.Index(
                fields=("-uploaded_at", "-id"), condition=~Q(thumbnail=""), name="photo_shown"
            ),
        )

    def __str__(self) -> str:
        return self.shown_title

    @property
    def shown_title(self) -> str:
        return self.title or "Untitled"

    @property
    def shown_owner(self) -> str:
        return self.owner_name or self.owner_nsid

    @property
    def licence_name(self) -> str:
        return self.licence.name if self.licence else ALL_RIGHTS_RESERVED

    @property
    def safe_description(self) -> SafeString:
        return mark_safe(self.description)  # noqa: S308 - cleaned by photos.html_cleaning when saved

    @property
    def has_its_picture(self) -> bool:
        return bool(self.thumbnail) and self.thumbnail_of == self.picture

    @property
    def thumbnail_url(self) -> str:
        if not self.thumbnail:
            return ""
        return reverse("photos:thumbnail", args=[self.flickr_id, self.thumbnail])

    @property
    def taken_at(self) -> datetime | None:
        """In no zone, on purpose."""
        return datetime.fromisoformat(self.taken) if self.taken else None

    @property
    def taken_words(self) -> str:
        """As exact as its owner was."""
        moment = self.taken_at
        if moment is None:
            return ""
        forms = {4: "F Y", 6: "Y", 8: "\\c\\i\\r\\c\\a Y"}
        return date_format(moment, forms.get(self.taken_granularity, "j F Y"))


class ImportMark(models.Model):
    """Up to which moment of upload the scheduled import of some tags has read."""

    tags = models.CharField(max_length=500, unique=True, blank=True)
    uploaded_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.tags or "everything"


class ImportRequest(models.Model):
    """A person's wish for an import, made once however often its form is sent."""

    token = models.UUIDField(default=uuid.uuid4)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    tags = models.CharField(max_length=500, blank=True)
    limit = models.PositiveIntegerField()
    job_id = models.UUIDField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            # The values belong to it: a form that was changed after "back" is another wish.
            models.UniqueConstraint(
                fields=("owner", "token", "tags", "limit"), name="import_request_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.limit} of {self.tags or 'everything'}"


class TurnQuerySet(models.QuerySet["Turn"]):
    def take(self, name: str, *, every: float) -> float:
        """Reserve the next turn, for all processes together; the seconds until then."""
        with transaction.atomic():
            self.get_or_create(name=name, defaults={"free_at": timezone.now()})
            turn = self.select_for_update().get(name=name)
            now = timezone.now()
            mine = max(now, turn.free_at)
            self.filter(pk=turn.pk).update(free_at=mine + timedelta(seconds=every))
        return (mine - now).total_seconds()


class Turn(models.Model):
    """When the next request may go out to a server that wants them spread."""

    name = models.CharField(max_length=50, primary_key=True)
    free_at = models.DateTimeField()

    objects = TurnQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
