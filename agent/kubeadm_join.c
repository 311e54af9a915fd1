/* SPDX-License-Identifier: Apache-2.0 */
/* kubeadm join: one JoinConfiguration, with the block controlPlane for a control plane. */
#include "agent/kubeadm_internal.h"
#include "agent/kubeadm_pki.h"
#include "lib/alloc.h"

/* Without a CA hash any server on the way could pose as the cluster, so it is required. */
static int check_token(const struct kubeadm_run *run, struct error *err)
{
	if (!run->ca_cert_hashes || !run->ca_cert_hashes->n)
		return error_set(err, ERROR_INPUT,
				 "kubeadm join: no hash of the cluster's CA is known; set "
				 "ca_cert_hashes, or a proxmox section to find it");
	if (!run->node->token)
		return error_set(err, ERROR_INPUT, "kubeadm join: no bootstrap token; set token");
	return 0;
}

static int check(const struct kubeadm_run *run, struct error *err)
{
	if (!run->endpoint)
		return error_set(err, ERROR_INPUT,
				 "kubeadm join: no endpoint of the cluster is known; set "
				 "control_plane_endpoint, or a proxmox section to find it");
	if (!kubeadm_pki_given(run->node) && check_token(run, err) < 0)
		return -1;
	if (run->control_plane && !run->address)
		return error_set(err, ERROR_INPUT,
				 "kubeadm join: a control plane needs an address of its own; set "
				 "node.ip, or give the guest a default route");
	return 0;
}

static struct json *file_json(void)
{
	struct json *file = json_object();

	json_put_string(file, "kubeConfigPath", KUBEADM_DISCOVERY_FILE);
	return file;
}

static struct json *bootstrap_json(const struct kubeadm_document *d)
{
	struct json *bootstrap = json_object();

	json_put_string(bootstrap, "apiServerEndpoint", d->run->endpoint);
	json_put_string(bootstrap, "token", kubeadm_secret(d, d->run->node->token));
	json_put_strings(bootstrap, "caCertHashes", d->run->ca_cert_hashes);
	return bootstrap;
}

static struct json *discovery_json(const struct kubeadm_document *d)
{
	struct json *discovery = json_object();

	if (kubeadm_pki_given(d->run->node))
		json_put(discovery, "file", file_json());
	else
		json_put(discovery, "bootstrapToken", bootstrap_json(d));
	if (d->api < KUBEADM_V1BETA4)
		kubeadm_put_duration(discovery, "timeout", kubeadm_step_timeout(d, KUBEADM_DISCOVERY_TIMEOUT));
	return discovery;
}

int kubeadm_join_document(const struct kubeadm_document *d, struct text *ret, struct error *err)
{
	if (check(d->run, err) < 0)
		return -1;
	CLEANUP(json_free_p) struct json *join = kubeadm_new(d, "JoinConfiguration");
	json_put(join, "discovery", discovery_json(d));
	if (d->run->control_plane) {
		struct json *plane = json_object();
		json_put(plane, "localAPIEndpoint", kubeadm_local_endpoint(d));
		if (d->run->node->certificate_key)
			json_put_string(plane, "certificateKey", kubeadm_secret(d, d->run->node->certificate_key));
		json_put(join, "controlPlane", plane);
	}
	kubeadm_put_node(d, join);
	json_print(join, true, ret);
	return 0;
}
