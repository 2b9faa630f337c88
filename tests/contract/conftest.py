"""The settings of every environment, before a framework is imported."""

import os

from harness.records import settings

os.environ.update(settings.environment(
    os.environ["HARNESS_ENVIRONMENT"].replace("contract-", "", 1).split("-")[0]))
