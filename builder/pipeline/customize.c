/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pipeline/customize.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "builder/pipeline/motd.h"
#include "builder/sandbox/sandbox.h"
#include "builder/tree/tree.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/macro.h"
#include "lib/process.h"
#include "lib/text.h"

#define OS_RELEASE "usr/lib/os-release"
#define OS_RELEASE_MAX 65536
/* The placeholder for the pause image in overlays, and the files that have it: containerd's configuration,
 * cri-dockerd's unit. */
#define PAUSE_IMAGE_MARK "@PAUSE_IMAGE@"
#define MOTD "etc/motd"
#define GUEST_AGENT "usr/sbin/qemu-ga"
#define GUEST_AGENT_CONFIG "etc/qemu/qemu-ga.conf"

static const char *const pause_image_files[] = { "etc/containerd/config.toml",
						 "etc/systemd/system/cri-docker.service" };
#define PAUSE_IMAGE_FILE_MAX (1 << 20)

static int copy_overlays(const struct customize *g, enum set set, const char *root, struct error *err)
{
	for (size_t i = 0; i < g->recipe->overlays[set].n; i++) {
		CLEANUP(free_p) char *path = NULL;
		if (recipe_overlay_path(g->recipe, g->recipe->overlays[set].at[i], &path, err) < 0 ||
		    tree_overlay(path, root, err) < 0)
			return error_wrap(err, "overlay '%s'", g->recipe->overlays[set].at[i]);
	}
	return 0;
}

static int install_agent(const struct customize *g, const char *root, struct error *err)
{
	if (g->agent && tree_overlay(g->agent, root, err) < 0)
		return error_wrap(err, "the agent");
	return 0;
}

/* components: their versions. programs: the installed files, which `nodekiln verify` looks for. image_tags: of images whose
 * tag is not kubeadm's own, by kubeadm's name of the image; the agent writes them into the configuration of kubeadm. */
static void put_sources(struct json *image, const struct source_set *sources)
{
	struct json *components = json_object(), *programs = json_array(), *tags = json_object();

	for (size_t i = 0; i < sources->programs.n; i++) {
		const struct component *c = sources->programs.at[i].component;
		json_put_string(components, c->name, sources->programs.at[i].version);
		for (size_t k = 0; k < c->programs.n; k++)
			if (c->programs.at[k].path)
				json_push(programs, json_string(c->programs.at[k].path));
	}
	for (size_t i = 0; i < sources->image_tags.n; i++) {
		const char *tag = sources->image_tags.at[i], *equals = strchr(tag, '=');
		CLEANUP(free_p) char *name = xstrndup(tag, (size_t)(equals - tag));
		json_put_string(tags, name, equals + 1);
	}
	json_put(image, "components", components);
	json_put(image, "programs", programs);
	json_put(image, "image_tags", tags);
}

struct json *customize_image_json(const struct customize *g)
{
	static const char *const runtimes[] = { "none", "containerd", "docker" };
	CLEANUP(strings_done) struct strings units = { 0 };
	struct json *image = json_object(), *kubernetes = json_object();

	strings_append(&units, &g->recipe->units[SET_BASE]);
	strings_append(&units, &g->recipe->units[g->set]);
	json_put_string(image, "name", g->recipe->name);
	json_put_string(image, "artifact", set_names[g->set]);
	json_put_string(image, "builder", "nodekiln " NODEKILN_VERSION);
	json_put_string(image, "key", g->key);
	json_put_string(image, "recipe_digest", g->lock->recipe_digest);
	json_put_string(image, "warning", g->recipe->warning);
	json_put_string(image, "runtime", runtimes[g->recipe->runtime]);
	json_put_string(kubernetes, "source", source_of_kubernetes(g->recipe));
	json_put_string(kubernetes, "version", source_kubernetes_version(g->lock));
	json_put(image, "kubernetes", kubernetes);
	json_put_string(image, "pause_image", g->pause_image);
	if (g->sources && g->sources->programs.n)
		put_sources(image, g->sources);
	json_put_strings(image, "images", g->images);
	json_put_strings(image, "units", &units);
	return image;
}

static int overlay_paths(const struct customize *g, enum set set, struct strings *ret, struct error *err)
{
	for (size_t i = 0; i < g->recipe->overlays[set].n; i++) {
		CLEANUP(free_p) char *path = NULL;
		if (recipe_overlay_path(g->recipe, g->recipe->overlays[set].at[i], &path, err) < 0 ||
		    tree_overlay_paths(path, ret, err) < 0)
			return -1;
	}
	return 0;
}

/* files: what the build itself put into the tree, by which `verify` distinguishes it from other files. */
static int put_files(const struct customize *g, struct json *image, struct error *err)
{
	CLEANUP(strings_done) struct strings files = { 0 };
	struct json *list = json_array();

	json_put(image, "files", list);
	if (overlay_paths(g, SET_BASE, &files, err) < 0 || overlay_paths(g, g->set, &files, err) < 0 ||
	    (g->agent && tree_overlay_paths(g->agent, &files, err) < 0) ||
	    source_paths(g->recipe, g->sources, g->cache, &files, err) < 0)
		return -1;
	strings_sort(&files);
	for (size_t i = 0; i < files.n; i++)
		if (!i || strcmp(files.at[i - 1], files.at[i]) != 0)
			json_push(list, json_string(files.at[i]));
	return 0;
}

static int write_image_json(const struct customize *g, int rootfd, struct error *err)
{
	CLEANUP(json_free_p) struct json *image = customize_image_json(g);
	CLEANUP(text_done) struct text text = { 0 };

	if (put_files(g, image, err) < 0)
		return -1;

	json_print(image, true, &text);
	return file_write_in(rootfd, "etc/nodekiln/image.json", text.data, text.len, 0644, err);
}

/* IMAGE_ID and IMAGE_VERSION of os-release(5), which must be lower case; the version is a prefix of the build's key. */
static int write_os_release(const struct customize *g, int rootfd, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };

	if (file_read_in(rootfd, OS_RELEASE, OS_RELEASE_MAX, &text, err) < 0)
		return -1;
	text_addf(&text, "%sIMAGE_ID=%s\nIMAGE_VERSION=%.12s\n", text_ends(text.data, "\n") ? "" : "\n",
		  g->recipe->name, g->key);
	return file_write_in(rootfd, OS_RELEASE, text.data, text.len, 0644, err);
}

static int fill_pause_image(const struct customize *g, int rootfd, const char *file, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(text_done) struct text out = { 0 };

	if (file_read_in(rootfd, file, PAUSE_IMAGE_FILE_MAX, &text, err) < 0)
		return -1;
	const char *rest = text.len ? text.data : "";
	for (const char *mark; (mark = strstr(rest, PAUSE_IMAGE_MARK)); rest = mark + strlen(PAUSE_IMAGE_MARK)) {
		text_addn(&out, rest, (size_t)(mark - rest));
		text_add(&out, g->pause_image);
	}
	text_add(&out, rest);
	return file_write_in(rootfd, file, out.data, out.len, 0644, err);
}

/* The runtime's pause image must be the one that kubeadm uses, or every node pulls a second one. */
static int write_pause_image(const struct customize *g, int rootfd, struct error *err)
{
	for (size_t i = 0; g->pause_image && i < ARRAY_SIZE(pause_image_files); i++)
		if (file_exists_in(rootfd, pause_image_files[i]) &&
		    fill_pause_image(g, rootfd, pause_image_files[i], err) < 0)
			return -1;
	return 0;
}

/* A user who can call the agent over the host's socket (VM.Monitor, VM.GuestAgent.*) is root in the guest with these. */
static const struct {
	const char *name; /* of guest_agent_names */
	const char *calls;
} guest_agent_calls[] = {
	{ "exec", "guest-exec,guest-exec-status" },
	{ "file",
	  "guest-file-open,guest-file-close,guest-file-read,guest-file-write,guest-file-seek,guest-file-flush" },
	{ "password", "guest-set-user-password,guest-ssh-get-authorized-keys,guest-ssh-add-authorized-keys,"
		      "guest-ssh-remove-authorized-keys" },
};

/* 1: an overlay has the file, which the build then leaves as it is. */
static int overlay_has_guest_agent(const struct customize *g, struct error *err)
{
	CLEANUP(strings_done) struct strings files = { 0 };

	if (overlay_paths(g, SET_BASE, &files, err) < 0 || overlay_paths(g, g->set, &files, err) < 0)
		return -1;
	if (!strings_has(&files, "/" GUEST_AGENT_CONFIG))
		return 0;
	if (g->recipe->guest_agent.allow.n)
		return error_set(err, ERROR_INPUT,
				 "an overlay has /" GUEST_AGENT_CONFIG ", and the recipe has guest_agent.allow, which "
				 "would write it; remove one of them");
	log_warning("/" GUEST_AGENT_CONFIG
		    " is an overlay's: which calls of the guest agent are blocked is as it says");
	return 1;
}

static int write_guest_agent(const struct customize *g, int rootfd, struct error *err)
{
	CLEANUP(text_done) struct text blocked = { 0 };

	if (!file_exists_in(rootfd, GUEST_AGENT))
		return 0;
	int kept = overlay_has_guest_agent(g, err);
	if (kept)
		return kept < 0 ? -1 : 0;
	for (size_t i = 0; i < ARRAY_SIZE(guest_agent_calls); i++)
		if (!strings_has(&g->recipe->guest_agent.allow, guest_agent_calls[i].name))
			text_addf(&blocked, "%s%s", blocked.len ? "," : "", guest_agent_calls[i].calls);
	if (!blocked.len)
		return 0;
	CLEANUP(free_p)
	char *text =
		xasprintf("# The recipe's guest_agent.allow lifts this.\n[general]\nblock-rpcs=%s\n", blocked.data);
	return file_write_in(rootfd, GUEST_AGENT_CONFIG, text, strlen(text), 0644, err);
}

/* An overlay's stays as it is, unless there is a warning. */
static int write_motd(const struct customize *g, int rootfd, struct error *err)
{
	struct motd motd = { .recipe = g->recipe, .images = g->images, .node = g->agent != NULL };
	CLEANUP(strings_done) struct strings files = { 0 };
	CLEANUP(text_done) struct text text = { 0 };

	if (overlay_paths(g, SET_BASE, &files, err) < 0 || overlay_paths(g, g->set, &files, err) < 0)
		return -1;
	if (strings_has(&files, "/" MOTD) && !g->recipe->warning)
		return 0;
	motd_text(&motd, rootfd, &text);
	return text.len ? file_write_in(rootfd, MOTD, text.data, text.len, 0644, err) : 0;
}

/* Applies the overlays' presets to every unit, also those of packages: a first boot without /etc/machine-id would apply
 * them too, so the image already has the result. */
static int apply_presets(int rootfd, const char *root, struct error *err)
{
	struct sandbox sandbox = { .root = root };
	char *argv[] = { "systemctl", "preset-all", "--quiet", NULL };

	if (!file_exists_in(rootfd, "etc/systemd/system-preset"))
		return 0;
	return sandbox_run(&sandbox, &(struct process){ .argv = argv, .name = "preset units" }, err);
}

/* systemctl works offline in a chroot: it only creates the links of each unit's [Install] section. */
static int enable_units(const struct customize *g, const char *root, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	struct sandbox sandbox = { .root = root };

	strings_add_all(&argv, "systemctl", "enable", "--quiet", NULL);
	size_t fixed = argv.n;
	strings_append(&argv, &g->recipe->units[SET_BASE]);
	strings_append(&argv, &g->recipe->units[g->set]);
	if (argv.n == fixed)
		return 0;
	return sandbox_run(&sandbox, &(struct process){ .argv = strings_argv(&argv), .name = "enable units" }, err);
}

int customize_tree(const struct customize *g, const char *root, struct error *err)
{
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, root, err);

	if (rootfd < 0 || copy_overlays(g, SET_BASE, root, err) < 0 || copy_overlays(g, g->set, root, err) < 0 ||
	    install_agent(g, root, err) < 0 || write_image_json(g, rootfd, err) < 0 ||
	    write_os_release(g, rootfd, err) < 0 || write_pause_image(g, rootfd, err) < 0 ||
	    write_guest_agent(g, rootfd, err) < 0 || write_motd(g, rootfd, err) < 0 ||
	    apply_presets(rootfd, root, err) < 0)
		return -1;
	return enable_units(g, root, err);
}
