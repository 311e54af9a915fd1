/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/cni_bridge.h"
#include "agent/cri.h"
#include "agent/kubeadm.h"
#include "agent/kubeadm_internal.h"
#include "agent/kubeadm_pki.h"
#include "agent/program.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"

static void print_line(void *context, const char *line)
{
	(void)context;
	log_info("kubeadm: %s", line);
}

static void reset_argv(const struct node_config *node, const struct facts *machine, struct strings *argv)
{
	const char *socket = cri_socket_of_kubeadm(node, machine);

	strings_add_all(argv, "kubeadm", "reset", "-f", NULL);
	if (socket)
		strings_add_all(argv, "--cri-socket", socket, NULL);
}

/* kubeadm up to 1.30 removes containers through crictl, or through docker. Without crictl they would keep running and
 * occupy their ports; but all of them are below one slice, whatever the runtime. The next kubelet cleans up
 * the rest. */
static void stop_containers(const struct node_config *node, const struct facts *machine)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	struct error err = { 0 };

	if (machine->kubeadm_minor > KUBEADM_CRICTL_LAST_MINOR || machine->crictl || cri_is_dockershim(node, machine))
		return;
	log_info("there is no crictl, so systemd stops the containers");
	strings_add_all(&argv, "systemctl", "stop", "kubepods.slice", NULL);
	if (program_run(&argv, NULL, NULL, &err) < 0)
		log_warning("%s; containers may still be running", err.text);
}

/* etcd may still have written while kubeadm emptied its directory. */
static int remove_etcd_data(const char *root, struct error *err)
{
	CLEANUP(free_p) char *member = xasprintf("%s/var/lib/etcd/member", root);

	return tree_remove(AT_FDCWD, member, err);
}

static int remove_config(const char *root, struct error *err)
{
	CLEANUP(free_p) char *config = xasprintf("%s" KUBEADM_CONFIG_FILE, root);

	CLEANUP(free_p) char *discovery = xasprintf("%s" KUBEADM_DISCOVERY_FILE, root);

	if (unlink(config) < 0 && errno != ENOENT && errno != ENOTDIR)
		return error_errno(err, errno, "remove %s", config);
	if (unlink(discovery) < 0 && errno != ENOENT && errno != ENOTDIR)
		return error_errno(err, errno, "remove %s", discovery);
	return 0;
}

int kubeadm_reset(const struct node_config *node, const struct facts *machine, const char *root, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	reset_argv(node, machine, &argv);
	int rc = program_run(&argv, print_line, NULL, err);
	stop_containers(node, machine);
	if (rc < 0)
		return -1;
	log_info("the packet filter rules of kube-proxy stay until the next boot");
	if (remove_etcd_data(root, err) < 0 || remove_config(root, err) < 0)
		return -1;
	return cni_bridge_remove(root, err);
}
