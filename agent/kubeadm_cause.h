/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a message of kubeadm is about, and why that failed. The same texts of Go's net, crypto/tls and x509 come from
 * the API server, a registry, etcd or a webhook: who is meant follows from the check or the phase that the message
 * belongs to and from what wraps the cause, never from the cause. Pure; the tables are in kubeadm_cause.c.
 */
#include "agent/kubeadm_message.h"

enum kubeadm_subject {
	KUBEADM_ANY,      /* in tables: whatever it is about */
	KUBEADM_MACHINE,  /* this machine: what preflight looks at */
	KUBEADM_API,      /* the API server, at the cluster's endpoint */
	KUBEADM_REGISTRY, /* where images come from */
	KUBEADM_RUNTIME,  /* the container runtime, at its socket */
	KUBEADM_ETCD,     /* the members of etcd */
	KUBEADM_WEBHOOK,  /* a program in the cluster that the API server asks */
	KUBEADM_KUBELET,  /* this machine's kubelet */
	KUBEADM_PLANE,    /* the control plane's containers on this machine */
};
enum kubeadm_cause {
	KUBEADM_NO_CAUSE, /* in tables: whatever the cause */
	/* this machine */
	KUBEADM_DISK_FULL,
	KUBEADM_READ_ONLY,
	KUBEADM_DISK_ERROR,
	KUBEADM_NO_MEMORY,
	KUBEADM_OTHER_CPU,  /* a program for another architecture */
	KUBEADM_NO_PROGRAM, /* a program is not installed */
	/* who is between */
	KUBEADM_NAME,          /* the name has no address */
	KUBEADM_DNS,           /* the name server does not answer, or with an error */
	KUBEADM_PROXY,         /* the HTTP proxy does not answer, or does not reach the other side */
	KUBEADM_PROXY_REFUSES, /* the HTTP proxy forbids the connection */
	/* the other side's certificate, or ours */
	KUBEADM_EARLY,        /* not valid yet */
	KUBEADM_EXPIRED,      /* not valid any more */
	KUBEADM_CLOCK,        /* one of both */
	KUBEADM_OTHER_HOST,   /* it does not name the host */
	KUBEADM_UNTRUSTED,    /* not by an authority that we know, or otherwise not acceptable */
	KUBEADM_NOT_ACCEPTED, /* the other side does not accept ours */
	KUBEADM_TLS,          /* they agree on no version, no cipher or no name */
	KUBEADM_PLAIN,        /* the other side does not speak TLS */
	/* what a registry or a runtime says */
	KUBEADM_OLD_CRI, /* another version of the CRI, or none */
	KUBEADM_NOT_READY,
	KUBEADM_REFERENCE, /* an image's name is not one */
	KUBEADM_PULL_POLICY,
	KUBEADM_SIGNATURE, /* the guest's own policy refuses the image */
	KUBEADM_PLATFORM,  /* the image is not for this architecture */
	KUBEADM_CONTENT,   /* a part of an image is missing or damaged */
	KUBEADM_UNPACK,
	KUBEADM_LIMIT, /* too many requests */
	KUBEADM_DENIED,
	KUBEADM_NOT_FOUND,
	KUBEADM_BUSY, /* an error 5xx, or its text */
	/* no answer */
	KUBEADM_SILENT,
	KUBEADM_LATE, /* says nothing about the cause */
};

enum kubeadm_subject kubeadm_subject_of(const struct kubeadm_message *m);
enum kubeadm_cause kubeadm_cause_of(const struct kubeadm_message *m);
