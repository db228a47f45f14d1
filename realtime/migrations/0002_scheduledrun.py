import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('realtime', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='ScheduledRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('schedule', models.CharField(help_text='Its name.', max_length=200)),
                ('slot', models.DateTimeField(help_text='Which turn it is.')),
                ('taken_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'ordering': ('-slot',),
                'constraints': [models.UniqueConstraint(fields=('schedule', 'slot'), name='schedule_slot')],
            },
        ),
    ]
