from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("photos", "0003_picture_tried_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="photo",
            name="import_job",
            field=models.UUIDField(blank=True, editable=False, help_text="The import that last changed the photo.", null=True),
        ),
        migrations.AddField(
            model_name="photo",
            name="import_outcome",
            field=models.CharField(blank=True, editable=False, max_length=20),
        ),
        migrations.AddField(
            model_name="photo",
            name="imported_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="photo",
            index=models.Index(condition=models.Q(("import_job__isnull", False)), fields=["import_job"], name="photo_import"),
        ),
    ]
