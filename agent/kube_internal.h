/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared by the files of kube; not for other files.
 */
#include "agent/kube.h"
#include "agent/kubeconfig.h"
#include "lib/http_session.h"

#define KUBE_TIMEOUT 15 /* seconds for one request */

int kube_load(const char *root, const char *kubeconfig, struct kubeconfig *ret, struct error *err) MUST_CHECK;
/* Sends the request (whose headers it sets) with the kubeconfig's credentials, in at most `timeout` seconds. */
int kube_send(const struct kubeconfig *k, struct http_request *request, long timeout, struct http_response *ret,
	      struct error *err) MUST_CHECK;
/* Reports an unexpected answer: ERROR_NETWORK when the server is starting up or busy, which counts as no answer. */
int kube_refuse(const struct http_response *r, const char *url, struct error *err) MUST_CHECK;
