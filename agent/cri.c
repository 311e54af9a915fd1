/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cri.h"

#include <string.h>

#define SCHEME "unix://"
#define SCHEME_MINOR 24 /* since this version a socket without the scheme is deprecated */

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
