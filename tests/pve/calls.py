# SPDX-License-Identifier: Apache-2.0
"""All methods: importing this fills the table."""
from . import calls_cluster, calls_config, calls_task  # noqa: F401
from .call import TABLE  # noqa: F401
