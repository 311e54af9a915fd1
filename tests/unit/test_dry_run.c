/* SPDX-License-Identifier: Apache-2.0 */
/* What a dry run prints, and that it writes nothing. */
#include "tests/unit/fake_guest.h"

/* agent_dry_run()'s output, owned by the caller; NULL when it fails. */
static char *print(const char *root, struct error *err)
{
	CLEANUP(free_p) char *file = xasprintf("%s/printed", root);
	fflush(stdout);
	int saved = dup(STDOUT_FILENO), fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	dup2(fd, STDOUT_FILENO);
	int rc = agent_dry_run(root, err);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(fd);
	close(saved);
	return rc == 0 ? fake_get(root, "/printed") : NULL;
}

TEST(dry_run_of_an_init_node)
{
	FAKE_ROOT();
	fake_api_reset();
	fake_guest_make(path, INIT "manifests: [/etc/manifests]\n" PVE_SECTION "}\n");
	CLEANUP(free_p) char *text = print(path, &err);
	CHECK(text &&
	      text_starts(text, "node n1 (10.0.0.1) of cluster lab, role init\n\nregister    https://pve.test\n"
				"election    initialise when no other guest of the cluster has, or is about to\n"
				"profile     "));
	CHECK(strstr(text, "manifest    /etc/manifests\n") && strstr(text, "kubeadm     kubeadm init --config FILE"));
	CHECK(strstr(text, "InitConfiguration") && strstr(text, "(hidden)") && !strstr(text, TOKEN) &&
	      !strstr(text, KEY));
	CHECK(!fake_api.requests && !fake_has(path, STATE_FILE) && !fake_calls(path, "kubeadm"));
	FAKE_ROOT_END();
}

TEST(dry_run_of_a_joining_node)
{
	FAKE_ROOT();
	fake_api_reset();
	fake_guest_make(path, WORKER PVE_SECTION "}\n");
	CLEANUP(free_p) char *found = print(path, &err);
	CHECK(found && strstr(found, "election    find the control plane by its tag at Proxmox VE\n"));
	CHECK(strstr(found, "from-the-election:6443") && strstr(found, "JoinConfiguration"));
	fake_guest_make(path, WORKER GIVEN);
	CLEANUP(free_p) char *given = print(path, &err);
	CHECK(given && strstr(given, "election    none: joins api.lab:6443\n"));
	CHECK(strstr(given, "register    not at Proxmox VE: there is no proxmox section\n"));
	FAKE_ROOT_END();
}

TEST(dry_run_prints_findings)
{
	FAKE_ROOT();
	fake_api_reset();
	fake_guest_make(path, WORKER GIVEN);
	fake_put(path, "/proc/sys/net/ipv4/ip_forward", "0\n");
	CLEANUP(free_p) char *text = print(path, &err);
	CHECK(text && strstr(text, "preflight   fatal: net.ipv4.ip_forward is not 1"));
	FAKE_ROOT_END();
}

TEST(dry_run_without_a_configuration)
{
	FAKE_ROOT();
	fake_api_reset();
	fake_guest_make(path, NULL);
	CLEANUP(free_p) char *none = print(path, &err);
	CHECK_STR(none, "no node configuration: nothing to do\n");
	fake_put(path, "/run/cloud-init/enabled", "");
	CLEANUP(free_p) char *later = print(path, &err);
	CHECK_STR(later, "no node configuration yet: cloud-init is still at work\n");
	fake_put(path, "/etc/nodekiln/node.yaml", "tokn: x\n");
	CHECK(!print(path, &err) && err.class == ERROR_INPUT);
	FAKE_ROOT_END();
}
