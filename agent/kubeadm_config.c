/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/kubeadm_config.h"

#include <strings.h>

#include "agent/cri.h"
#include "agent/kubeadm_internal.h"
#include "agent/profile.h"
#include "lib/alloc.h"

/* The API version to write, by the first minor version that reads it. */
static const struct {
	int minor;
	enum kubeadm_api api;
} apis[] = { { 31, KUBEADM_V1BETA4 }, { 22, KUBEADM_V1BETA3 }, { 20, KUBEADM_V1BETA2 } };

int kubeadm_api(int minor, enum kubeadm_api *ret, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(apis); i++)
		if (minor >= apis[i].minor) {
			*ret = apis[i].api;
			return 0;
		}
	if (!minor)
		return error_set(err, ERROR_HOST,
				 "kubeadm: it does not run or does not say its version; install it in "
				 "the image (recipe key components.kubernetes)");
	return error_set(err, ERROR_HOST,
			 "kubeadm 1.%d is too old for this agent, which knows 1.20 and later; build the image with "
			 "a later Kubernetes",
			 minor);
}

int kubeadm_config(const struct kubeadm_run *run, bool masked, struct text *ret, struct error *err)
{
	struct kubeadm_document d = { .run = run, .masked = masked };
	CLEANUP(text_done) struct text text = { 0 };

	if (kubeadm_api(run->machine->kubeadm_minor, &d.api, err) < 0)
		return -1;
	if ((run->init ? kubeadm_init_documents : kubeadm_join_document)(&d, &text, err) < 0)
		return -1;
	text_addn(ret, text.data, text.len);
	return 0;
}

static void add_joined(struct strings *argv, const char *flag, const struct strings *values)
{
	CLEANUP(text_done) struct text text = { 0 };

	for (size_t i = 0; i < values->n; i++)
		text_addf(&text, "%s%s", i ? "," : "", values->at[i]);
	if (text.len)
		strings_addf(argv, "%s=%s", flag, text.data);
}

void kubeadm_argv(const struct kubeadm_run *run, const char *config_file, struct strings *ret)
{
	enum kubeadm_api api = KUBEADM_V1BETA4;
	CLEANUP(strings_done) struct strings skipped = { 0 };
	struct error ignored = { 0 };

	strings_add_all(ret, "kubeadm", run->init ? "init" : "join", "--config", config_file, NULL);
	if (run->init) /* without these flags it prints both secrets, into our journal */
		strings_add_all(ret, "--skip-token-print", "--skip-certificate-key-print", NULL);
	if (run->init && run->node->certificate_key)
		strings_add(ret, "--upload-certs");
	/* kubeadm_config() has reported an unknown version already. */
	if (kubeadm_api(run->machine->kubeadm_minor, &api, &ignored) < 0 || api != KUBEADM_V1BETA2)
		return;
	kubeadm_skipped(run, &skipped);
	add_joined(ret, "--skip-phases", &skipped);
	if (run->node->patches && (run->init || run->control_plane))
		strings_addf(ret, "--experimental-patches=%s", run->node->patches);
}

enum { OF_INIT = 1, OF_CONTROL_PLANE = 2, OF_WORKER = 4, OF_JOIN = OF_CONTROL_PLANE | OF_WORKER, OF_ALL = 7 };

static unsigned kind_of(const struct kubeadm_run *run)
{
	return run->init ? OF_INIT : run->control_plane ? OF_CONTROL_PLANE : OF_WORKER;
}

/* What an interrupted run leaves behind, by the names of the preflight checks that fail because of it. */
static const struct {
	unsigned kinds;
	const char *check;
} left_behind[] = {
	{ OF_INIT | OF_CONTROL_PLANE, "FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml" },
	{ OF_INIT | OF_CONTROL_PLANE, "FileAvailable--etc-kubernetes-manifests-kube-controller-manager.yaml" },
	{ OF_INIT | OF_CONTROL_PLANE, "FileAvailable--etc-kubernetes-manifests-kube-scheduler.yaml" },
	{ OF_INIT | OF_CONTROL_PLANE, "FileAvailable--etc-kubernetes-manifests-etcd.yaml" },
	{ OF_INIT | OF_CONTROL_PLANE, "Port-6443" },
	{ OF_INIT | OF_CONTROL_PLANE, "Port-10259" },
	{ OF_INIT | OF_CONTROL_PLANE, "Port-10257" },
	{ OF_INIT | OF_CONTROL_PLANE, "Port-2379" },
	{ OF_INIT | OF_CONTROL_PLANE, "Port-2380" },
	{ OF_INIT | OF_CONTROL_PLANE, "DirAvailable--var-lib-etcd" },
	{ OF_JOIN, "DirAvailable--etc-kubernetes-manifests" },
	{ OF_JOIN, "FileAvailable--etc-kubernetes-kubelet.conf" },
	{ OF_JOIN, "FileAvailable--etc-kubernetes-bootstrap-kubelet.conf" },
	{ OF_WORKER, "FileAvailable--etc-kubernetes-pki-ca.crt" },
	{ OF_ALL, "Port-10250" },
};

static void add_once(struct strings *list, const char *s)
{
	if (!strings_has(list, s))
		strings_add(list, s);
}

void kubeadm_ignored(const struct kubeadm_run *run, struct strings *ret)
{
	const struct strings *asked = &run->node->ignore_preflight;
	const struct profile *profile = profile_of(run->machine);

	for (size_t i = 0; i < asked->n; i++)
		if (!strcasecmp(asked->at[i], "all")) { /* kubeadm accepts "all" only as the sole entry */
			strings_add(ret, "all");
			return;
		}
	for (size_t i = 0; i < asked->n; i++)
		add_once(ret, asked->at[i]);
	for (size_t i = 0; i < ARRAY_SIZE(profile->checks) && profile->checks[i]; i++)
		add_once(ret, profile->checks[i]);
	/* An image that is missing on purpose cannot be pulled either. */
	if ((run->init || run->control_plane) && facts_lacks_coredns(run->machine))
		add_once(ret, "ImagePull");
	for (size_t i = 0; i < ARRAY_SIZE(left_behind) && run->again; i++)
		if (left_behind[i].kinds & kind_of(run))
			add_once(ret, left_behind[i].check);
}

void kubeadm_skipped(const struct kubeadm_run *run, struct strings *ret)
{
	const struct facts *m = run->machine;
	bool needs_crictl = m->kubeadm_minor <= KUBEADM_CRICTL_LAST_MINOR && !cri_is_dockershim(run->node, m);

	for (size_t i = 0; i < run->node->skip_phases.n; i++)
		add_once(ret, run->node->skip_phases.at[i]);
	/* kubeadm's preflight needs crictl; our own checks have covered the same. */
	if (needs_crictl && !m->crictl)
		add_once(ret, "preflight");
	if (run->init && facts_lacks_coredns(m))
		add_once(ret, "addon/coredns");
}
