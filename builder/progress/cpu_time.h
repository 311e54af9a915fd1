/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CPU seconds of this process and of its children that have been waited for. */
double cpu_time(void);
