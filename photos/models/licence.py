from django.db import models

from photos.models.validators import web_url


class Licence(models.Model):
    """A licence by Flickr's number. Imports add rows, because Flickr adds licences."""

    number = models.PositiveIntegerField(primary_key=True)
    name = models.CharField(max_length=100)
    url = models.CharField(max_length=300, blank=True, validators=[web_url])

    class Meta:
        ordering = ("number",)

    def __str__(self) -> str:
        return self.name
