/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Whether KVM runs a guest here: one page of real-mode code, which writes a byte to a port. /dev/kvm opens, and guests hang or abort, under
 * some nested KVMs. https://docs.kernel.org/virt/kvm/api.html
 */
#include "lib/error.h"

/* In a job of its own, which ends after a few seconds. ERROR_HOST says what failed. */
int kvm_try(struct error *err) MUST_CHECK;
