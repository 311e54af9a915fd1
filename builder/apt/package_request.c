/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/package_request.h"

#include <stdlib.h>
#include <string.h>

#include "builder/lock/lock_toolchain.h"
#include "lib/alloc.h"

/* The packages that are always installed, as in mmdebstrap's variants of the same names. The first one is the default. */
static const struct variant {
	const char *name;
	const char *packages[3];
} variants[] = {
	{ "apt", { "?essential", "apt" } },
	{ "essential", { "?essential" } },
	{ "required", { "?essential", "?priority(required)" } },
};

/*
 * The layer of the images of etcd and kube-proxy: the programs that these call, and their libraries. Essential packages
 * (shell, dpkg, perl) are left out on purpose: nothing in a static pod or in kube-proxy runs them, and they would be larger
 * than all the rest. usr-is-merged is named so that apt does not choose usrmerge, which needs perl.
 */
static const char *const image_packages[] = {
	"libc6", "usr-is-merged", "etcd-server", "iptables", "ipset", "conntrack", "kmod",
};

static const char *const kernel_packages[] = {
	[KERNEL_CLOUD] = "linux-image-cloud-amd64",
	[KERNEL_GENERIC] = "linux-image-amd64",
};

static const char *const kubernetes_packages[] = { "kubelet", "kubeadm", "kubectl" };

static int add_variant(const char *name, struct strings *ret, struct error *err)
{
	const struct variant *v = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
		if (!name || !strcmp(name, variants[i].name)) {
			v = &variants[i];
			break;
		}
	if (!v)
		return error_set(err, ERROR_INPUT, "distribution.variant is '%s'; allowed: apt, essential, required",
				 name);
	for (size_t i = 0; i < ARRAY_SIZE(v->packages) && v->packages[i]; i++)
		strings_add(ret, v->packages[i]);
	return 0;
}

/* "1.34.1" selects the newest packaging of that release, "1.34" the newest release of that minor; NULL: the newest. */
static void add_pinned(const char *name, const char *version, struct strings *ret)
{
	bool whole = version && strchr(version, '.') != strrchr(version, '.');

	if (version)
		strings_addf(ret, "%s=%s%s", name, version, whole ? "-*" : ".*");
	else
		strings_add(ret, name);
}

static void add_kubernetes(const struct recipe *recipe, struct strings *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(kubernetes_packages); i++)
		add_pinned(kubernetes_packages[i], recipe->kubernetes.version, ret);
	strings_append(ret, &recipe->kubernetes.packages);
}

static void add_components(const struct recipe *recipe, struct strings *ret)
{
	for (size_t i = 0; i < recipe->components.n; i++) {
		const struct component *c = &recipe->components.at[i];

		if (c->source != COMPONENT_PACKAGES)
			continue;
		for (size_t p = 0; p < c->packages.versioned.n; p++)
			add_pinned(c->packages.versioned.at[p], c->version, ret);
		strings_append(ret, &c->packages.names);
	}
}

static void add_sources(const struct recipe *recipe, struct strings *ret)
{
	if (recipe->agent.libcurl == AGENT_LIBCURL_COMPILED)
		strings_add(ret, LIBCURL_SOURCE);
	for (size_t i = 0; i < recipe->components.n; i++) {
		const struct component *c = &recipe->components.at[i];
		const char *version = c->debian.version;
		if (c->source == COMPONENT_DEBIAN_SOURCE)
			strings_addf(ret, "%s%s%s", c->name, version ? "=" : "", version ? version : "");
	}
}

/* The sources whose images component_images.c packs; those of debian-source are image_packages. */
static bool has_images(const struct component *c)
{
	return c->source == COMPONENT_GO_MODULES || c->source == COMPONENT_C;
}

/* The packages below the programs of components' images; a recipe without a runtime has no images. */
static void add_image_packages(const struct recipe *recipe, struct strings *ret)
{
	for (size_t i = 0; recipe->runtime != RUNTIME_NONE && i < recipe->components.n; i++) {
		const struct component *c = &recipe->components.at[i];
		for (size_t k = 0; has_images(c) && k < c->images.n; k++)
			strings_append(ret, &c->images.at[k].packages);
	}
	if (ret->n)
		strings_add(ret, "usr-is-merged");
}

static int fill(const struct recipe *recipe, struct package_request *ret, struct error *err)
{
	if (add_variant(recipe->distribution.variant, &ret->group[LOCK_BASE], err) < 0 ||
	    add_variant("essential", &ret->group[LOCK_TOOLCHAIN], err) < 0)
		return -1;
	strings_append(&ret->group[LOCK_BASE], &recipe->packages[SET_BASE]);
	strings_append(&ret->group[LOCK_VM], &recipe->packages[SET_VM]);
	if (recipe->kernel != KERNEL_NONE)
		strings_add(&ret->group[LOCK_VM], kernel_packages[recipe->kernel]);
	strings_append(&ret->group[LOCK_LXC], &recipe->packages[SET_LXC]);
	strings_append(&ret->group[LOCK_EXTRA_VM], &recipe->extra_packages);
	strings_append(&ret->group[LOCK_EXTRA_LXC], &recipe->extra_packages);
	lock_toolchain_packages(recipe, &ret->group[LOCK_TOOLCHAIN]);
	if (recipe->agent.libcurl == AGENT_LIBCURL_PACKAGED)
		strings_add(&ret->group[LOCK_BASE], "libcurl4"); /* Debian 13's libcurl4t64 provides it */
	if (recipe->kubernetes.source == KUBERNETES_PACKAGES)
		add_kubernetes(recipe, &ret->group[LOCK_BASE]);
	add_components(recipe, &ret->group[LOCK_BASE]);
	add_image_packages(recipe, &ret->group[LOCK_IMAGE]);
	if (recipe->images.control_plane && recipe_has_source(recipe, COMPONENT_DEBIAN_SOURCE))
		for (size_t i = 0; i < ARRAY_SIZE(image_packages); i++)
			strings_add(&ret->group[LOCK_IMAGE], image_packages[i]);
	add_sources(recipe, &ret->sources);
	return 0;
}

int package_request_make(const struct recipe *recipe, struct package_request *ret, struct error *err)
{
	CLEANUP(package_request_done) struct package_request request = { 0 };

	if (fill(recipe, &request, err) < 0)
		return -1;
	*ret = TAKE(request);
	return 0;
}

void package_request_done(struct package_request *request)
{
	for (size_t i = 0; i < LOCK_GROUPS; i++)
		strings_done(&request->group[i]);
	strings_done(&request->sources);
}

void package_request_digest(const struct package_request *request, bool extra, char ret_hex[SHA256_HEX])
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();

	for (enum lock_group g = 0; g < LOCK_GROUPS; g++)
		for (size_t i = 0; i < request->group[g].n && (extra || !lock_group_is_extra(g)); i++)
			hash_field(h, lock_group_names[g], request->group[g].at[i]);
	for (size_t i = 0; i < request->sources.n; i++)
		hash_field(h, "source", request->sources.at[i]);
	hash_hex(h, ret_hex);
}

char *package_request_upstream_version(const char *debian_version)
{
	const char *epoch = strchr(debian_version, ':'), *start = epoch ? epoch + 1 : debian_version;
	const char *really = strstr(start, "+really");

	start = really ? really + strlen("+really") : start;
	return xstrndup(start, strcspn(start, "-+~"));
}
