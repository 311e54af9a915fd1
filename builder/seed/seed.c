/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/input.h"
#include "lib/node_config.h"
#include "lib/process.h"
#include "lib/yaml.h"

#define KEY_FILE_MAX (1 << 18)
#define HOSTNAME_MAX 253 /* RFC 1035, all labels together */
#define LABEL_MAX 63
#define INSTANCE_DIGITS 16 /* of the digest */

/* The first of these that is installed is used; all accept the same options. */
static const char *const iso_programs[] = { "genisoimage", "mkisofs" };

static bool is_hostname(const char *s)
{
	size_t label = 0, n = strlen(s);

	if (!n || n > HOSTNAME_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool edge = label == 0 || i + 1 == n || s[i + 1] == '.';
		if (s[i] == '.' && label) {
			label = 0;
			continue;
		}
		if (!isalnum((unsigned char)s[i]) && (s[i] != '-' || edge))
			return false;
		if (++label > LABEL_MAX)
			return false;
	}
	return label > 0;
}

static int check_key(const char *key, struct error *err)
{
	for (const char *c = key; *c; c++)
		if (iscntrl((unsigned char)*c) && *c != '\t')
			return error_set(err, ERROR_USAGE, "the ssh key '%.40s' has a control character in it", key);
	if (!strchr(key, ' '))
		return error_set(err, ERROR_USAGE, "'%.40s' is not an ssh public key; give the .pub file", key);
	return 0;
}

int seed_user_data(const struct seed *seed, struct text *ret, struct error *err)
{
	text_add(ret, "#cloud-config\n");
	if (seed->hostname) {
		if (!is_hostname(seed->hostname))
			return error_set(err, ERROR_USAGE,
					 "'%s' is not a host name: letters, digits and '-', labels joined by '.'",
					 seed->hostname);
		text_add(ret, "hostname: ");
		yaml_quote(seed->hostname, ret);
		text_add(ret, "\nmanage_etc_hosts: true\n");
	}
	text_add(ret, "users: [default]\n");
	if (seed->keys.n)
		text_add(ret, "ssh_authorized_keys:\n");
	for (size_t i = 0; i < seed->keys.n; i++) {
		if (check_key(seed->keys.at[i], err) < 0)
			return -1;
		text_add(ret, "- ");
		yaml_quote(seed->keys.at[i], ret);
		text_add(ret, "\n");
	}
	return 0;
}

int seed_meta_data(const struct seed *seed, struct text *ret, struct error *err)
{
	if (!seed->instance_id || !*seed->instance_id)
		return error_set(err, ERROR_USAGE, "a seed needs an instance id");
	text_add(ret, "instance-id: ");
	yaml_quote(seed->instance_id, ret);
	text_add(ret, "\n");
	if (seed->hostname) {
		text_add(ret, "local-hostname: ");
		yaml_quote(seed->hostname, ret);
		text_add(ret, "\n");
	}
	return 0;
}

char *seed_instance_id(const struct seed *seed)
{
	CLEANUP(hash_free_p) struct hash *hash = hash_new();
	char hex[SHA256_HEX];

	hash_field(hash, "user-data", seed->user_data);
	hash_field(hash, "network-config", seed->network_config);
	hash_field(hash, NODE_CONFIG_SEED, seed->node);
	hash_hex(hash, hex);
	return xasprintf("nodekiln-%.*s", INSTANCE_DIGITS, hex);
}

int seed_read_keys(const char *file, struct strings *ret, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	size_t before = ret->n;

	if (input_read(file, KEY_FILE_MAX, &text, err) < 0)
		return -1;
	char *rest = text.data, *line;
	while (rest && (line = strsep(&rest, "\n"))) {
		line = text_trim(line);
		if (*line && *line != '#')
			strings_add(ret, line);
	}
	return ret->n > before ? 0 : error_set(err, ERROR_USAGE, "%s contains no ssh public key", file);
}

/* The files of the caller's directory. */
static int given_files(const struct seed *seed, struct strings *files, struct error *err)
{
	static const struct {
		const char *name;
		bool needed;
	} known[] = {
		{ "user-data", true },    { "meta-data", true },       { "network-config", false },
		{ "vendor-data", false }, { NODE_CONFIG_SEED, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		CLEANUP(free_p) char *path = xasprintf("%s/%s", seed->directory, known[i].name);
		if (access(path, R_OK) == 0)
			strings_addf(files, "%s=%s", known[i].name, path);
		else if (known[i].needed)
			return error_set(err, ERROR_USAGE,
					 "%s is missing; cloud-init takes a seed only with user-data and meta-data",
					 path);
	}
	return 0;
}

/* The arguments for genisoimage, "NAME=PATH" each, and the memfds that those paths refer to. */
struct contents {
	struct strings grafts;
	int fd[4]; /* owned */
	size_t fds;
};

static void contents_done(struct contents *c)
{
	strings_done(&c->grafts);
	while (c->fds)
		close_p(&c->fd[--c->fds]);
}

/* 0400: genisoimage copies the mode of the source file. */
static int add_made(struct contents *c, const char *name, const char *text, struct error *err)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "prepare %s", name);
	c->fd[c->fds++] = fd;
	if (write_all(fd, text, strlen(text)) < 0 || fchmod(fd, 0400) < 0)
		return error_errno(err, errno, "prepare %s", name);
	strings_addf(&c->grafts, "%s=/proc/self/fd/%d", name, fd);
	return 0;
}

static int made_files(const struct seed *seed, struct contents *c, struct error *err)
{
	CLEANUP(text_done) struct text user = { 0 };
	CLEANUP(text_done) struct text meta = { 0 };

	if ((!seed->user_data && seed_user_data(seed, &user, err) < 0) || seed_meta_data(seed, &meta, err) < 0 ||
	    add_made(c, "user-data", seed->user_data ? seed->user_data : user.data, err) < 0 ||
	    add_made(c, "meta-data", meta.data, err) < 0)
		return -1;
	if (seed->network_config && add_made(c, "network-config", seed->network_config, err) < 0)
		return -1;
	return seed->node ? add_made(c, NODE_CONFIG_SEED, seed->node, err) : 0;
}

static const char *iso_program(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(iso_programs); i++)
		if (process_exists(iso_programs[i]))
			return iso_programs[i];
	return iso_programs[0]; /* process_run() reports what is missing */
}

/* Runs in the child, so that only the child keeps the memfds across exec. */
static int let_through(void *contents, struct error *err)
{
	const struct contents *c = contents;

	for (size_t i = 0; i < c->fds; i++)
		if (fcntl(c->fd[i], F_SETFD, 0) < 0)
			return error_errno(err, errno, "pass the seed to the ISO program");
	return 0;
}

int seed_iso(const struct seed *seed, struct text *ret, struct error *err)
{
	CLEANUP(contents_done) struct contents c = { 0 };
	CLEANUP(strings_done) struct strings argv = { 0 };

	if ((seed->directory ? given_files(seed, &c.grafts, err) : made_files(seed, &c, err)) < 0)
		return error_wrap(err, "seed");
	/* Joliet and Rock Ridge, as in the drives that Proxmox VE 9 makes: lower-case names in both. */
	strings_add_all(&argv, iso_program(), "-quiet", "-V", SEED_ISO_LABEL, "-J", "-R", "-uid", "0", "-gid", "0",
			"-f", "-graft-points", NULL);
	strings_append(&argv, &c.grafts);
	return process_run(
		&(struct process){ .argv = strings_argv(&argv), .output = ret, .setup = let_through, .context = &c },
		err);
}
