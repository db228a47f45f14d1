from django.db import migrations, models

BATCH = 'realtime.batch'


def move_to_field(apps, schema_editor):
    Job = apps.get_model('realtime', 'Job')
    batches = Job.objects.filter(task=BATCH, options__has_key='calls')
    for pk, options in batches.values_list('pk', 'options').iterator():
        calls_hash = options.pop('calls')
        Job.objects.filter(pk=pk).update(options=options, calls_hash=calls_hash)


def move_to_options(apps, schema_editor):
    Job = apps.get_model('realtime', 'Job')
    batches = Job.objects.filter(task=BATCH).exclude(calls_hash='')
    for pk, options, calls_hash in batches.values_list('pk', 'options', 'calls_hash').iterator():
        Job.objects.filter(pk=pk).update(options=options | {'calls': calls_hash})


class Migration(migrations.Migration):

    dependencies = [
        ('realtime', '0007_fewer_indexes'),
    ]

    operations = [
        # The database default lets processes of the version before add jobs. The hash of a batch
        # that they add stays in its options, so a rerun of its parent creates that batch again.
        migrations.AddField(
            model_name='job',
            name='calls_hash',
            field=models.CharField(blank=True, db_default='', default='', editable=False, help_text='Of a batch: a hash of the calls that it was created with.', max_length=64),
        ),
        migrations.RunPython(move_to_field, move_to_options),
    ]
