/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Filters of system calls (seccomp(2)): a program in BPF that looks at each call of a process and of all its children, and answers
 * what becomes of it. FILTER_IS() goes on behind the next `yes` instructions when what was looked at is value, else behind `no`.
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

/* From then on. flags as for SECCOMP_SET_MODE_FILTER; with SECCOMP_FILTER_FLAG_NEW_LISTENER the listener is returned, else 0. */
int seccomp_install(const struct sock_filter *filter, size_t n, unsigned flags, struct error *err) MUST_CHECK;
