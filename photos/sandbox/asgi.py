"""The ASGI application of the sandbox: `daphne photos.sandbox.asgi:application`.

It reads its settings from the SANDBOX_* environment variables.
"""

import os

from photos.sandbox.app import Sandbox
from photos.sandbox.config import from_environment

application = Sandbox(from_environment(os.environ))
