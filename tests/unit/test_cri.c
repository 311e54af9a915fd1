/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "agent/cri.h"
#include "tests/unit/check.h"

#define CONTAINERD "unix:///run/containerd/containerd.sock"
#define CRI_DOCKERD FACTS_CRI_DOCKERD_SOCKET
#define STREAMS "ExtendWebSocketsToKubelet=false"

/* chosen: cri_socket of the configuration; installed: the machine's. */
TEST(cri_socket_by_configuration_or_installation)
{
	static const struct {
		char *chosen, *installed;
		int minor;
		const char *socket, *of_kubeadm;
		bool dockershim;
	} cases[] = {
		{ NULL, CONTAINERD, 34, CONTAINERD, CONTAINERD, false },
		{ NULL, CONTAINERD, 20, CONTAINERD, "/run/containerd/containerd.sock", false },
		{ NULL, CRI_DOCKERD, 24, CRI_DOCKERD, CRI_DOCKERD, false },
		{ NULL, FACTS_DOCKERSHIM_SOCKET, 20, FACTS_DOCKERSHIM_SOCKET, "/var/run/dockershim.sock", true },
		{ NULL, FACTS_DOCKERSHIM_SOCKET, 23, FACTS_DOCKERSHIM_SOCKET, "/var/run/dockershim.sock", true },
		{ CONTAINERD, FACTS_DOCKERSHIM_SOCKET, 20, CONTAINERD, "/run/containerd/containerd.sock", false },
		{ CRI_DOCKERD, NULL, 34, CRI_DOCKERD, CRI_DOCKERD, false }, /* several are installed */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct node_config node = { .cri_socket = cases[i].chosen };
		struct facts machine = { .cri_socket = cases[i].installed, .kubeadm_minor = cases[i].minor };
		CHECK_STR(cri_socket(&node, &machine), cases[i].socket);
		CHECK_STR(cri_socket_of_kubeadm(&node, &machine), cases[i].of_kubeadm);
		CHECK(cri_is_dockershim(&node, &machine) == cases[i].dockershim);
	}
}

TEST(cri_no_socket_without_a_runtime)
{
	struct node_config node = { 0 };
	struct facts machine = { .kubeadm_minor = 34 };

	CHECK(!cri_socket(&node, &machine) && !cri_socket_of_kubeadm(&node, &machine) &&
	      !cri_is_dockershim(&node, &machine));
}

TEST(cri_kubelet_leaves_streams_to_the_api_server_with_cri_dockerd)
{
	static const struct {
		char *chosen, *installed;
		int minor;
		const char *gate;
	} cases[] = {
		{ NULL, CRI_DOCKERD, 35, NULL }, /* has no such gate */
		{ NULL, CRI_DOCKERD, 36, STREAMS }, { NULL, CRI_DOCKERD, 37, STREAMS },
		{ NULL, CRI_DOCKERD, 38, NULL }, /* may not have it */
		{ NULL, CONTAINERD, 37, NULL },     { CONTAINERD, CRI_DOCKERD, 37, NULL },
		{ CRI_DOCKERD, NULL, 37, STREAMS }, { NULL, NULL, 37, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct node_config node = { .cri_socket = cases[i].chosen };
		struct facts machine = { .cri_socket = cases[i].installed, .kubeadm_minor = cases[i].minor };
		const char *gate = cri_kubelet_gate(&node, &machine);
		CHECK(!gate == !cases[i].gate && (!gate || !strcmp(gate, cases[i].gate)));
	}
}
