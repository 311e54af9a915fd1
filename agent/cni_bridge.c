/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cni_bridge.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/subnet.h"

#define CONFLIST_MAX (1 << 16)
#define CNI_VERSION "0.4.0" /* every kubelet and containerd since 2019 reads this version */

static struct json *one(struct json *item)
{
	struct json *list = json_array();

	json_push(list, item);
	return list;
}

/* host-local: addresses from the node's own range; the default route leads through the bridge. */
static struct json *ipam(const char *pod_cidr)
{
	struct json *ipam = json_object(), *range = json_object(), *route = json_object();

	json_put_string(range, "subnet", pod_cidr);
	json_put_string(route, "dst", strchr(pod_cidr, ':') ? "::/0" : "0.0.0.0/0");
	json_put_string(ipam, "type", "host-local");
	json_put(ipam, "ranges", one(one(range)));
	json_put(ipam, "routes", one(route));
	return ipam;
}

static struct json *bridge(const char *pod_cidr)
{
	struct json *bridge = json_object();

	json_put_string(bridge, "type", "bridge");
	json_put_string(bridge, "bridge", "cni0");
	json_put_bool(bridge, "isGateway", true);
	/* Not ipMasq: it would hide a pod's address from pods on other nodes. agent/pod_routes.c adds the
	 * rules that are needed. */
	json_put_bool(bridge, "hairpinMode", true); /* a pod reaches its own Service */
	json_put(bridge, "ipam", ipam(pod_cidr));
	return bridge;
}

static struct json *portmap(void)
{
	struct json *portmap = json_object(), *capabilities = json_object();

	json_put_bool(capabilities, "portMappings", true);
	json_put_string(portmap, "type", "portmap");
	json_put(portmap, "capabilities", capabilities);
	return portmap;
}

void cni_bridge_conflist(const char *pod_cidr, struct text *ret)
{
	CLEANUP(json_free_p) struct json *conflist = json_object();
	struct json *plugins = one(bridge(pod_cidr));

	json_push(plugins, portmap());
	json_put_string(conflist, "cniVersion", CNI_VERSION);
	json_put_string(conflist, "name", "nodekiln");
	json_put(conflist, "plugins", plugins);
	json_print(conflist, true, ret);
}

/* Whether the container runtime reads a file of this name as a network configuration. */
static bool is_config(const char *name)
{
	return *name != '.' && (text_ends(name, ".conf") || text_ends(name, ".conflist") || text_ends(name, ".json"));
}

/* The name of a configuration that is not ours; NULL = there is none. */
static char *other_config(const char *directory)
{
	CLEANUP(closedir_p) DIR *dir = opendir(directory);
	const char *own = strrchr(CNI_BRIDGE_CONFLIST, '/') + 1;

	for (const struct dirent *e; dir && (e = readdir(dir));)
		if (is_config(e->d_name) && strcmp(e->d_name, own) != 0)
			return xstrdup(e->d_name);
	return NULL;
}

static bool stands_there(const char *file, const struct text *want)
{
	CLEANUP(text_done) struct text is = { 0 };
	struct error ignored = { 0 };

	return file_read(AT_FDCWD, file, CONFLIST_MAX, &is, &ignored) == 0 && is.len == want->len &&
	       !memcmp(is.data, want->data, is.len);
}

static int write_conflist(const char *directory, const char *file, const char *pod_cidr, struct error *err)
{
	CLEANUP(text_done) struct text want = { 0 };

	cni_bridge_conflist(pod_cidr, &want);
	if (stands_there(file, &want))
		return 0;
	if (dir_make(AT_FDCWD, directory, 0755, err) < 0 ||
	    file_write_durable(file, want.data, want.len, 0644, err) < 0)
		return error_wrap(err, "pod network");
	log_info("pod network: bridge cni0 with %s", pod_cidr);
	return 0;
}

/* Logged once, although this runs at each look at the Node. */
static void say_other(const char *name)
{
	static bool said;

	if (!said)
		log_info("pod network: " CNI_BRIDGE_DIRECTORY "/%s is used; networking.pod_network is not", name);
	said = true;
}

int cni_bridge_write(const char *root, const char *pod_cidr, struct error *err)
{
	CLEANUP(free_p) char *directory = xasprintf("%s" CNI_BRIDGE_DIRECTORY, root);
	CLEANUP(free_p) char *file = xasprintf("%s" CNI_BRIDGE_CONFLIST, root);
	CLEANUP(free_p) char *other = other_config(directory);
	struct subnet subnet;

	if (other) {
		say_other(other);
		return cni_bridge_remove(root, err);
	}
	if (!subnet_parse(pod_cidr, &subnet))
		return error_set(err, ERROR_FAILED, "pod network: the Node's podCIDR '%.64s' is not a network",
				 pod_cidr);
	return write_conflist(directory, file, pod_cidr, err);
}

int cni_bridge_remove(const char *root, struct error *err)
{
	CLEANUP(free_p) char *file = xasprintf("%s" CNI_BRIDGE_CONFLIST, root);

	if (unlink(file) == 0)
		log_info("removed %s", CNI_BRIDGE_CONFLIST);
	else if (errno != ENOENT && errno != ENOTDIR)
		return error_errno(err, errno, "remove %s", file);
	return 0;
}

char *cni_bridge_pod_cidr(const char *root)
{
	CLEANUP(free_p) char *file = xasprintf("%s" CNI_BRIDGE_CONFLIST, root);
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(json_free_p) struct json *conflist = NULL;
	struct error none = { 0 };

	if (file_read(AT_FDCWD, file, CONFLIST_MAX, &text, &none) < 0 ||
	    json_parse(file, text.data ? text.data : "", text.len, &conflist, &none) < 0)
		return NULL;
	const struct json *ipam = json_get(json_at(json_get(conflist, "plugins"), 0), "ipam");
	const char *subnet = json_get_string(json_at(json_at(json_get(ipam, "ranges"), 0), 0), "subnet");
	return xstrdup_or_null(subnet);
}
