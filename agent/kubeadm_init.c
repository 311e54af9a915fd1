/* SPDX-License-Identifier: Apache-2.0 */
/* kubeadm init: InitConfiguration, ClusterConfiguration, KubeletConfiguration and, where kubeadm's defaults for it are not right,
 * KubeProxyConfiguration. */
#include <stdio.h>
#include <string.h>

#include "agent/kubeadm_internal.h"
#include "agent/kubeadm_pki.h"
#include "agent/profile.h"
#include "lib/alloc.h"

/* With the seed's PKI no node needs a token. kubeadm makes one whatever its configuration says, and the roles that nodes need are made
 * in the same phase; so it gets a random one, which is kept nowhere and expires after a second. */
#define SPENT_SECONDS 1
#define NFTABLES_FIRST_MINOR 36 /* of kube-proxy's mode; iptables before, and without nft */

/* The bootstrap token for joining nodes; without one kubeadm would generate it. */
static struct json *token_json(const struct kubeadm_document *d, const char *value, long ttl)
{
	CLEANUP(strings_done) struct strings usages = { 0 };
	CLEANUP(strings_done) struct strings groups = { 0 };
	struct json *token = json_object(), *tokens = json_array();

	strings_add_all(&usages, "signing", "authentication", NULL);
	strings_add(&groups, "system:bootstrappers:kubeadm:default-node-token");
	json_put_string(token, "token", kubeadm_secret(d, value));
	kubeadm_put_duration(token, "ttl", ttl);
	json_put_strings(token, "usages", &usages);
	json_put_strings(token, "groups", &groups);
	json_push(tokens, token);
	return tokens;
}

static struct json *init_json(const struct kubeadm_document *d)
{
	struct json *init = kubeadm_new(d, "InitConfiguration");

	if (d->run->node->token)
		json_put(init, "bootstrapTokens", token_json(d, d->run->node->token, d->run->node->token_ttl));
	else if (kubeadm_pki_given(d->run->node))
		json_put(init, "bootstrapTokens", token_json(d, d->run->spent_token, SPENT_SECONDS));
	if (d->run->node->certificate_key)
		json_put_string(init, "certificateKey", kubeadm_secret(d, d->run->node->certificate_key));
	json_put(init, "localAPIEndpoint", kubeadm_local_endpoint(d));
	kubeadm_put_node(d, init);
	return init;
}

static void put_if(struct json *object, const char *key, const char *value)
{
	if (value)
		json_put_string(object, key, value);
}

static struct json *networking_json(const struct node_config *node)
{
	struct json *networking = json_object();

	put_if(networking, "podSubnet", node->pod_subnet);
	put_if(networking, "serviceSubnet", node->service_subnet);
	put_if(networking, "dnsDomain", node->dns_domain);
	return networking;
}

static void add_args(const struct kubeadm_document *d, const struct node_config_pairs *pairs, struct json *args)
{
	for (size_t i = 0; i < pairs->n; i++)
		kubeadm_add_arg(d, args, pairs->at[i].key, pairs->at[i].value);
}

static struct json *program_json(const struct kubeadm_document *d, const struct node_config_pairs *pairs)
{
	struct json *program = json_object();

	if (pairs->n) {
		struct json *args = kubeadm_args(d);
		add_args(d, pairs, args);
		json_put(program, "extraArgs", args);
	}
	return program;
}

static void put_etcd(const struct kubeadm_document *d, struct json *cluster)
{
	const char *tag = d->run->machine->etcd_tag;
	struct json *local, *etcd;

	if (!tag && !d->run->node->etcd_args.n)
		return;
	local = program_json(d, &d->run->node->etcd_args);
	if (tag)
		json_put_string(local, "imageTag", tag);
	etcd = json_object();
	json_put(etcd, "local", local);
	json_put(cluster, "etcd", etcd);
}

/* Of a preloaded image that is newer than the one kubeadm names. */
static void put_dns(const struct facts *machine, struct json *cluster)
{
	struct json *dns;

	if (!machine->dns_tag)
		return;
	dns = json_object();
	json_put_string(dns, "imageTag", machine->dns_tag);
	json_put(cluster, "dns", dns);
}

/* At its default of 20 requests per second the controller manager needs 5 s to create its controllers, and no node has its part of
 * the pod network before. */
static const char *const controller_manager_defaults[][2] = { { "kube-api-qps", "100" }, { "kube-api-burst", "200" } };

static struct json *controller_manager_json(const struct kubeadm_document *d)
{
	const struct node_config_pairs *pairs = &d->run->node->controller_manager_args;
	struct json *manager = json_object(), *args = kubeadm_args(d);

	for (size_t i = 0; i < ARRAY_SIZE(controller_manager_defaults); i++)
		if (!node_config_pair_value(pairs, controller_manager_defaults[i][0]))
			kubeadm_add_arg(d, args, controller_manager_defaults[i][0], controller_manager_defaults[i][1]);
	add_args(d, pairs, args);
	json_put(manager, "extraArgs", args);
	return manager;
}

static struct json *api_server_json(const struct kubeadm_document *d)
{
	struct json *server = program_json(d, &d->run->node->api_server_args);

	if (d->api < KUBEADM_V1BETA4)
		kubeadm_put_duration(server, "timeoutForControlPlane", kubeadm_step_timeout(d, KUBEADM_HEALTH_TIMEOUT));
	return server;
}

/* The endpoint is always set: without it no second control plane could ever join. The image repository is
 * never set: the preloaded images are those of kubeadm's default. */
static struct json *cluster_json(const struct kubeadm_document *d)
{
	const struct node_config *node = d->run->node;
	bool ipv6 = strchr(d->run->address, ':') != NULL;
	struct json *cluster = kubeadm_new(d, "ClusterConfiguration");

	put_if(cluster, "clusterName", node->cluster);
	json_put_string(cluster, "kubernetesVersion",
			node->kubernetes_version ? node->kubernetes_version : d->run->machine->kubeadm_version);
	if (d->run->endpoint)
		json_put_string(cluster, "controlPlaneEndpoint", d->run->endpoint);
	else
		json_put_stringf(cluster, "controlPlaneEndpoint", ipv6 ? "[%s]:6443" : "%s:6443", d->run->address);
	if (node->pod_subnet || node->service_subnet || node->dns_domain)
		json_put(cluster, "networking", networking_json(node));
	if (d->api < KUBEADM_V1BETA4 || node->api_server_args.n)
		json_put(cluster, "apiServer", api_server_json(d));
	/* Each of the dozen RSA keys would take a second of an emulated or busy processor. */
	if (d->api >= KUBEADM_V1BETA4)
		json_put_string(cluster, "encryptionAlgorithm", "ECDSA-P256");
	json_put(cluster, "controllerManager", controller_manager_json(d));
	if (node->scheduler_args.n)
		json_put(cluster, "scheduler", program_json(d, &node->scheduler_args));
	put_etcd(d, cluster);
	put_dns(d->run->machine, cluster);
	return cluster;
}

static struct json *kubelet_json(void)
{
	struct json *kubelet = json_object();

	json_put_string(kubelet, "apiVersion", "kubelet.config.k8s.io/v1beta1");
	json_put_string(kubelet, "kind", "KubeletConfiguration");
	json_put_string(kubelet, "cgroupDriver", "systemd");
	return kubelet;
}

/* The minor version of the control plane, and so of kube-proxy's image. */
static int minor_of(const struct kubeadm_run *run)
{
	const char *wanted = run->node->kubernetes_version;
	int minor;

	return wanted && sscanf(wanted, "v1.%d", &minor) == 1 ? minor : run->machine->kubeadm_minor;
}

/* In a container the connection tracking limits belong to the host and cannot be written; 0 leaves them
 * unchanged. */
static void put_conntrack(struct json *proxy)
{
	struct json *conntrack = json_object();

	json_put_int(conntrack, "maxPerCore", 0);
	json_put_string(conntrack, "tcpEstablishedTimeout", "0s");
	json_put_string(conntrack, "tcpCloseWaitTimeout", "0s");
	json_put(proxy, "conntrack", conntrack);
}

/* NULL = kubeadm's defaults are right. */
static struct json *proxy_json(const struct kubeadm_run *run)
{
	bool keep_conntrack = profile_of(run->machine)->keep_conntrack;
	bool nftables = run->machine->nft && minor_of(run) >= NFTABLES_FIRST_MINOR;
	struct json *proxy = json_object();

	json_put_string(proxy, "apiVersion", "kubeproxy.config.k8s.io/v1alpha1");
	json_put_string(proxy, "kind", "KubeProxyConfiguration");
	if (nftables)
		json_put_string(proxy, "mode", "nftables");
	if (keep_conntrack)
		put_conntrack(proxy);
	if (nftables || keep_conntrack)
		return proxy;
	json_free(proxy);
	return NULL;
}

static void print_and_free(struct json *document, struct text *ret)
{
	if (ret->len)
		text_add(ret, "---\n");
	json_print(document, true, ret);
	json_free(document);
}

int kubeadm_init_documents(const struct kubeadm_document *d, struct text *ret, struct error *err)
{
	if (!d->run->address)
		return error_set(err, ERROR_INPUT,
				 "kubeadm init: this node has no address yet, so others could not reach it; set "
				 "node.ip, or give the guest a default route");
	print_and_free(init_json(d), ret);
	print_and_free(cluster_json(d), ret);
	print_and_free(kubelet_json(), ret);
	struct json *proxy = proxy_json(d->run);
	if (proxy)
		print_and_free(proxy, ret);
	return 0;
}
