"""The settings of every environment, before a framework is imported."""

import os

from harness.records import settings
from harness.records.environment import parse

os.environ.update(settings.environment(
    parse(os.environ["HARNESS_ENVIRONMENT"].replace("contract-", "", 1)).framework))
