"""`daphne photos.sandbox.asgi:application`, with the SANDBOX_* environment variables."""

import os

from photos.sandbox.app import Sandbox
from photos.sandbox.config import from_environment

application = Sandbox(from_environment(os.environ))
