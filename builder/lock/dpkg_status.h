/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The limit of what is read of dpkg's status file (/var/lib/dpkg/status). With a full desktop it has 5 MiB.
 */
#define DPKG_STATUS_MAX (64u << 20) /* bytes */
