/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What this guest's user-data and vendor-data ask of cloud-init and it does not do (lib/cloud_config.h): its merged cloud-config
 * against the modules of /etc/cloud.
 */

/* Sentences, joined by "; "; owned by the caller. NULL: nothing, or there is no cloud-init, or its files cannot be read. */
char *cloud_ignored(const char *root);
