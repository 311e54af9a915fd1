/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The known messages, for kubeadm_error.c; not for other files. A row matches a line that contains
 * all its fragments, in any order.
 */
#include "agent/kubeadm_error.h"

struct kubeadm_error_row {
	enum kubeadm_error_class class;
	const char *fragment[3]; /* the unused ones are NULL */
	const char *advice;      /* what failed and what to do, for the user */
};

extern const struct kubeadm_error_row kubeadm_error_rows[]; /* ends with a row without fragments */
