import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Count, F, Max, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.safestring import SafeString, mark_safe

from photos.licences import ALL_RIGHTS_RESERVED
from photos.models.licence import Licence
from photos.models.validators import web_url

PICTURE_TRIES_MAX = 5
"""After so many failed downloads without a success, imports try the picture once a day at most."""
PICTURE_RETRY_AFTER = timedelta(days=1)


class PhotoQuerySet(models.QuerySet["Photo"]):
    def shown(self) -> "PhotoQuerySet":
        return self.exclude(thumbnail="")

    def newest_first(self) -> "PhotoQuerySet":
        return self.order_by("-uploaded_at", "-id")

    def without_picture(self) -> "PhotoQuerySet":
        """Photos whose picture has not been downloaded yet, and may be downloaded later."""
        needs_picture = Q(thumbnail="") | ~Q(thumbnail_of=F("picture"))
        photos = self.filter(needs_picture, gone_at=None, picture_tries__lt=PICTURE_TRIES_MAX)
        return photos.newest_first()

    def imported_by(self, job_id: uuid.UUID, *, since: datetime) -> "PhotoQuerySet":
        """Photos that have their pictures and that this import was the last to change."""
        photos = self.filter(import_job=job_id, imported_at__gte=since)
        return photos.exclude(thumbnail="").filter(thumbnail_of=F("picture"))

    def mark_seen(self, flickr_ids: Iterable[str], *, at: datetime) -> int:
        """Set `last_seen_at`. Call it in a transaction.

        It locks the rows in the order of their ids, so that two imports cannot deadlock.
        """
        photos = self.filter(flickr_id__in=list(flickr_ids))
        rows = photos.order_by("flickr_id").select_for_update().values("pk")
        return self.model.objects.filter(pk__in=rows).update(last_seen_at=at)

    def summary(self) -> tuple[int, datetime | None]:
        """The number of shown photos, and the time at which an import last saw one of them."""
        values = self.shown().aggregate(number=Count("id"), updated_at=Max("last_seen_at"))
        return values["number"], values["updated_at"]


class Photo(models.Model):
    """A photo at Flickr. The gallery shows it when it has a thumbnail."""

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
    # The owner's local time without a time zone; a DateTimeField would store one.
    taken = models.CharField(max_length=19, blank=True, help_text="YYYY-MM-DD HH:MM:SS, local.")
    taken_granularity = models.PositiveSmallIntegerField(
        default=0, help_text="0 exact, 4 the month, 6 the year, 8 circa."
    )
    uploaded_at = models.DateTimeField()
    tags = models.JSONField(default=list, blank=True)
    page_url = models.CharField(max_length=300, validators=[web_url])
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
    picture_tried_at = models.DateTimeField(
        null=True, blank=True, help_text="When the last download of its picture failed."
    )
    gone_at = models.DateTimeField(
        null=True, blank=True, help_text="When its picture was found to be no longer at Flickr."
    )

    import_job = models.UUIDField(
        null=True, blank=True, editable=False, help_text="The import that last changed the photo."
    )
    import_outcome = models.CharField(max_length=20, blank=True, editable=False)
    imported_at = models.DateTimeField(null=True, blank=True, editable=False)

    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)

    objects = PhotoQuerySet.as_manager()

    class Meta:
        ordering = ("-uploaded_at", "-id")
        indexes = (
            models.Index(
                fields=("-uploaded_at", "-id"), condition=~Q(thumbnail=""), name="photo_shown"
            ),
            models.Index(
                fields=("import_job",), condition=Q(import_job__isnull=False), name="photo_import"
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
        return mark_safe(self.description)  # noqa: S308 - cleaned by html_cleaning when saved

    @property
    def has_its_picture(self) -> bool:
        return bool(self.thumbnail) and self.thumbnail_of == self.picture

    @property
    def may_try_picture(self) -> bool:
        """Whether an import that lists the photo may try to download its picture."""
        if self.picture_tries < PICTURE_TRIES_MAX or self.picture_tried_at is None:
            return True
        return self.picture_tried_at <= timezone.now() - PICTURE_RETRY_AFTER

    @property
    def thumbnail_url(self) -> str:
        if not self.thumbnail:
            return ""
        return reverse("photos:thumbnail", args=[self.flickr_id, self.thumbnail])

    @property
    def taken_at(self) -> datetime | None:
        """The local time of the owner, without a time zone."""
        return datetime.fromisoformat(self.taken) if self.taken else None

    @property
    def taken_words(self) -> str:
        """The date as text, as exact as `taken_granularity` says."""
        moment = self.taken_at
        if moment is None:
            return ""
        formats = {4: "F Y", 6: "Y", 8: "\\c\\i\\r\\c\\a Y"}
        return date_format(moment, formats.get(self.taken_granularity, "j F Y"))
