/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * seccomp(2) filters: a BPF program that is run for each system call of a process and of all its children,
 * and returns what the kernel does with the call. FILTER_LOOK_AT() loads a field of struct seccomp_data;
 * FILTER_IS() skips the next `yes` instructions when the loaded field equals value, else the next `no`.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

#include "lib/error.h"

#if defined(__x86_64__)
#define FILTER_NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_NATIVE AUDIT_ARCH_AARCH64
#else
#error "seccomp.h: name this architecture as linux/audit.h does"
#endif

#define FILTER_LOOK_AT(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define FILTER_IS(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define FILTER_IS_AT_LEAST(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, value, yes, no)
#define FILTER_ANSWER(value) BPF_STMT(BPF_RET | BPF_K, value)

/* Installs a filter of n instructions. flags: as for SECCOMP_SET_MODE_FILTER. Returns the listener with
 * SECCOMP_FILTER_FLAG_NEW_LISTENER, else 0. */
int seccomp_install(const struct sock_filter *filter, size_t n, unsigned flags, struct error *err) MUST_CHECK;
