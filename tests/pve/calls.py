# SPDX-License-Identifier: Apache-2.0
"""All methods: importing this fills the table."""
from . import calls_access, calls_clone, calls_cluster, calls_config, calls_create, calls_pool, calls_power, calls_storage  # noqa: F401
from . import calls_node, calls_task  # noqa: F401
from .call import TABLE  # noqa: F401
