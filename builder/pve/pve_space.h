/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Storages that are full: the error is ERROR_SPACE, whatever program reports it. */
#include <stdint.h>

#include "lib/error.h"
#include "lib/macro.h"
#include "lib/pve.h"

/* The words of Proxmox VE, or of a program that it runs, say that there is no space left. Pure. */
bool pve_space_is_out(const char *words);
/* After a failed write of so many bytes to a node's storage: an error that does not say so becomes ERROR_SPACE when the storage has
 * less free. Leaves pve_failure() as it likes. */
void pve_space_explain(struct pve *pve, const char *node, const char *storage, uint64_t bytes, struct error *err);
