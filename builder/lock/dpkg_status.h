/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The size limit for reading dpkg's status file (/var/lib/dpkg/status). That of a full desktop has
 * 5 MiB.
 */
#define DPKG_STATUS_MAX (64u << 20) /* bytes */
