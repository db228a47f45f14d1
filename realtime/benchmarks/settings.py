"""The settings of the site, plus what the baselines need."""

import os
from importlib import import_module

_site = vars(import_module(os.environ["BENCH_SETTINGS"]))
globals().update({name: value for name, value in _site.items() if name.isupper()})

INSTALLED_APPS = [*_site["INSTALLED_APPS"], "django_celery_results"]
CELERY_RESULT_BACKEND = "django-db"
