/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cri.h"

#include <string.h>

#define SCHEME "unix://"
#define SCHEME_MINOR 24 /* since this version a socket without the scheme is deprecated */

/* Since 1.36 kubelet itself forwards the streams of exec, attach and port-forward. cri-dockerd up to 0.4.3 gives it a URL
 * without a scheme, which kubelet takes for https, and cri-dockerd speaks http: `kubectl exec` fails with "server gave HTTP
 * response to HTTPS client". Without the gate the API server does it, as before. Later minors may not have the gate, and
 * kubelet does not start with one that it does not know. */
#define STREAMS_GATE "ExtendWebSocketsToKubelet=false"
#define STREAMS_FIRST_MINOR 36
#define STREAMS_LAST_MINOR 37

const char *cri_socket(const struct node_config *node, const struct facts *machine)
{
	return node->cri_socket ? node->cri_socket : machine->cri_socket;
}

const char *cri_socket_of_kubeadm(const struct node_config *node, const struct facts *machine)
{
	const char *socket = cri_socket(node, machine);
	bool path = machine->kubeadm_minor < SCHEME_MINOR;

	return socket && path && text_starts(socket, SCHEME) ? socket + strlen(SCHEME) : socket;
}

bool cri_is_dockershim(const struct node_config *node, const struct facts *machine)
{
	return text_same(cri_socket(node, machine), FACTS_DOCKERSHIM_SOCKET);
}

const char *cri_kubelet_gate(const struct node_config *node, const struct facts *machine)
{
	int minor = machine->kubeadm_minor;

	if (!text_same(cri_socket(node, machine), FACTS_CRI_DOCKERD_SOCKET))
		return NULL;
	return minor >= STREAMS_FIRST_MINOR && minor <= STREAMS_LAST_MINOR ? STREAMS_GATE : NULL;
}
