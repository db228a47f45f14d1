import re

from django.db import migrations, models

_SECRET = re.compile(r"/(\d{1,20}_[0-9a-f]{1,40})(?:_[a-z0-9]+)?\.\w+$")


def name_pictures(apps, schema_editor):
    """Each thumbnail is taken to be of the picture at the addresses that are known."""
    photos = apps.get_model("photos", "Photo").objects
    for photo in photos.only("image_urls", "thumbnail").iterator(chunk_size=500):
        found = filter(None, map(_SECRET.search, photo.image_urls))
        picture = next((match[1] for match in found), "")
        photos.filter(pk=photo.pk).update(
            picture=picture, thumbnail_of=picture if photo.thumbnail else ""
        )


class Migration(migrations.Migration):

    dependencies = [
        ("photos", "0001_photos"),
    ]

    operations = [
        migrations.AddField(
            model_name="photo",
            name="picture",
            field=models.CharField(blank=True, help_text="What the addresses of all its sizes share; its owner may replace it.", max_length=100),
        ),
        migrations.AddField(
            model_name="photo",
            name="thumbnail_of",
            field=models.CharField(blank=True, help_text="The picture that the thumbnail was made of.", max_length=100),
        ),
        migrations.RunPython(name_pictures, migrations.RunPython.noop, elidable=True),
    ]
