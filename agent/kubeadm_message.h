/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Divides kubeadm's output into messages. What a program wrote that kubeadm ran (crictl, docker) is on several
 * lines, and belongs to the check that failed:
 *
 *	[preflight] Some fatal errors occurred:
 *		[ERROR ImagePull]: failed to pull image registry.lab/pause:3.9: output: time="..." level=fatal msg="..."
 *	, error: exit status 1
 *	[preflight] If you know what you are doing, you can make a check non-fatal with ...
 *
 * The forms are those of app/preflight/checks.go, app/cmd/phases/workflow and app/util/error.go (1.20 to 1.37). Pure.
 */
#include "lib/text.h"

#define KUBEADM_MESSAGE_MAX (16 << 10) /* bytes of one message; lines that do not fit are ignored */
#define KUBEADM_MESSAGE_NAME_MAX 128

enum kubeadm_message_kind {
	KUBEADM_MESSAGE_LINE, /* a line of no other kind, written before the end */
	KUBEADM_MESSAGE_CHECK, /* a preflight check that failed, "[ERROR Name]: ..."; one for each image that was not pulled */
	KUBEADM_MESSAGE_FINAL, /* what kubeadm ends with, "error execution phase NAME: ..." */
};
struct kubeadm_message {
	enum kubeadm_message_kind kind;
	char name[KUBEADM_MESSAGE_NAME_MAX]; /* the check or the phase; "" when there is none */
	struct text text;                    /* owned; its lines, with a blank between them */
};

/* Calls each() for every message in order, except warnings and klog's lines about what kubeadm does. */
void kubeadm_message_each(const char *output, size_t len,
			  void (*each)(void *context, const struct kubeadm_message *message), void *context);
