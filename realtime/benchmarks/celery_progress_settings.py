"""Settings and URLs of a site that shows progress with celery-progress, stored in Redis."""

import os
from importlib import import_module

from celery_progress.views import get_progress
from django.urls import path

_site = vars(import_module("realtime.benchmarks.settings"))
globals().update({name: value for name, value in _site.items() if name.isupper()})

ROOT_URLCONF = __name__
CELERY_RESULT_BACKEND = os.environ["REDIS_URL"].replace("unix://", "redis+socket://")

urlpatterns = [path("progress/<str:task_id>", get_progress)]
