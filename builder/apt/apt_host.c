/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/apt_host.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/login.h"
#include "lib/process.h"
#include "lib/proxy.h"

#define AUTH_MAX (1u << 20)

/* NAME='VALUE' in the output of `apt-config shell`, owned by the caller; NULL when it is not there. */
static char *shell_value(const char *text, const char *name)
{
	CLEANUP(free_p) char *start = xasprintf("%s='", name);
	const char *at = strstr(text, start);

	return at ? xstrndup(at + strlen(start), strcspn(at + strlen(start), "'\n")) : NULL;
}

static void read_auth(const char *path)
{
	CLEANUP(text_wipe_done) struct text text = { 0 };
	struct error err = { 0 };

	text_add(&text, "");
	if (access(path, R_OK) < 0 && errno == EACCES)
		log_info("this user may not read %s, where this host's apt has users and passwords of its repositories",
			 path);
	else if (access(path, R_OK) == 0 && file_read(AT_FDCWD, path, AUTH_MAX, &text, &err) == 0)
		login_read_auth_conf(text.data);
	else
		log_debug("%s is not read: %s", path, err.text);
}

/* As apt: names with .conf, or without a dot (GetListOfFilesInDir). */
static int is_part(const struct dirent *entry)
{
	const char *dot = strchr(entry->d_name, '.');

	return dot != entry->d_name && (!dot || text_ends(entry->d_name, ".conf"));
}

static void read_parts(const char *directory)
{
	struct dirent **entry = NULL;
	int n = scandir(directory, &entry, is_part, alphasort);

	for (int i = 0; i < n; i++) {
		CLEANUP(free_p) char *path = xasprintf("%s/%s", directory, entry[i]->d_name);
		read_auth(path);
		free(entry[i]);
	}
	free(entry);
}

static void read_logins(void)
{
	CLEANUP(text_done) struct text places = { 0 };
	char *argv[] = { "apt-config", "shell", "NETRC", "Dir::Etc::netrc/f", "PARTS", "Dir::Etc::netrcparts/d", NULL };
	struct error ignored = { 0 };

	text_add(&places, "");
	if (process_capture(argv, &places, &ignored) < 0)
		return;
	CLEANUP(free_p) char *file = shell_value(places.data, "NETRC");
	CLEANUP(free_p) char *parts = shell_value(places.data, "PARTS");
	if (file)
		read_auth(file);
	if (parts)
		read_parts(parts);
}

void apt_host_read(void)
{
	CLEANUP(text_wipe_done) struct text dump = { 0 };
	char *argv[] = { "apt-config", "dump", "--no-empty", "--format", "%f %v%n", NULL };
	static bool done;
	struct error err = { 0 };

	if (done)
		return;
	done = true;
	text_add(&dump, "");
	if (process_capture(argv, &dump, &err) < 0) {
		log_debug("this host's apt: %s", err.text);
		return;
	}
	proxy_read_apt(dump.data);
	read_logins();
}
