/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/apt.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "builder/apt/apt_text.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/login.h"
#include "lib/process.h"
#include "lib/proxy.h"

/* The environment variables that apt and its methods inherit: the search path, the temporary directory, and the proxies. */
static const char *const passed_on[] = {
	"PATH",      "TMPDIR",     "http_proxy",  "https_proxy", "no_proxy",
	"all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",    "ALL_PROXY",
};

static const char *const directories[] = {
	"etc/apt/apt.conf.d",
	"etc/apt/sources.list.d",
	"etc/apt/trusted.gpg.d",
	"etc/apt/preferences.d",
	"etc/apt/auth.conf.d",
	"keyrings",
	"var/lib/apt/lists/partial",
	"var/cache/apt/archives/partial",
	"var/log/apt",
	"solutions",
};

/*
 * The whole configuration. ForceEssential: apt treats itself as essential by default, and a tree without it must be
 * possible. Update::Error-Mode: a failure of one repository fails the update. NoLocking: several processes read a published
 * state at once, and nodekiln's own lock protects a state that is being made. Get::Remove: apt could only remove packages
 * of base.
 */
static const char config[] = "Dir \"%s/\";\n"
			     "Dir::State::status \"%s/status\";\n"
			     "Dir::Etc::trusted \"/dev/null\";\n"
			     "APT::Architecture \"%s\";\n"
			     "APT::Architectures { \"%s\"; };\n"
			     "APT::Install-Recommends \"false\";\n"
			     "APT::Install-Suggests \"false\";\n"
			     "APT::Get::Assume-Yes \"true\";\n"
			     "APT::Get::Remove \"false\";\n"
			     "APT::Update::Error-Mode \"any\";\n"
			     "Debug::NoLocking \"true\";\n"
			     "APT::Sandbox::User \"%s\";\n"
			     "pkgCacheGen::ForceEssential \",\";\n"
			     "Acquire::Languages \"none\";\n"
			     "Acquire::PDiffs \"false\";\n"
			     "Acquire::Retries \"2\";\n"
			     "Acquire::http::Timeout \"20\";\n"
			     "Acquire::https::Timeout \"20\";\n"
			     "Acquire::AllowInsecureRepositories \"false\";\n"
			     "Acquire::AllowWeakRepositories \"false\";\n"
			     "Acquire::AllowDowngradeToInsecureRepositories \"false\";\n";

static bool open_to_all(const char *path)
{
	CLEANUP(free_p) char *copy = xstrdup(path);
	struct stat st;

	for (char *slash = copy; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		if (stat(copy, &st) < 0 || !(st.st_mode & S_IXOTH))
			return false;
		*slash = '/';
	}
	return stat(copy, &st) < 0 || (st.st_mode & S_IXOTH);
}

/* When nodekiln runs as root, apt downloads and checks keys as the user _apt, provided that this user can reach the cache. */
static const char *sandbox_user(const char *path)
{
	return getpwnam("_apt") && open_to_all(path) ? "_apt" : "root";
}

int apt_configure(int dirfd, const char *visible, const char *architecture, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };

	if (visible[strcspn(visible, " \t\n\"';,{}")])
		return error_set(err, ERROR_HOST,
				 "%s: apt does not work in a path with spaces, quotes or braces; set NODEKILN_CACHE",
				 visible);
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		if (dir_make(dirfd, directories[i], 0755, err) < 0)
			return -1;
	text_addf(&text, config, visible, visible, architecture, architecture, sandbox_user(visible));
	if (file_write(dirfd, "status", "", 0, 0644, err) < 0)
		return -1;
	return file_write(dirfd, "apt.conf", text.data, text.len, 0644, err);
}

static void environment(const char *path, struct strings *ret)
{
	strings_addf(ret, "APT_CONFIG=%s/apt.conf", path);
	strings_add_all(ret, "LC_ALL=C.UTF-8", "HOME=/nonexistent", "DEBIAN_FRONTEND=noninteractive", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
		if (getenv(passed_on[i]))
			strings_addf(ret, "%s=%s", passed_on[i], getenv(passed_on[i]));
}

/* The files are in memory; -1 = none. */
struct apt_child {
	struct text messages;
	int logins;  /* in the form of apt_auth.conf(5) */
	int proxies; /* in the form of apt.conf(5) */
};

static void keep_line(void *context, const char *line)
{
	struct apt_child *child = context;

	text_addf(&child->messages, "%s\n", line);
}

static void child_done(struct apt_child *child)
{
	text_done(&child->messages);
	close_p(&child->logins);
	close_p(&child->proxies);
}

/* Users and passwords of repositories: apt's methods read them before they give up their rights. Proxies may have some, too. */
static int open_private(void (*print)(struct text *ret), int *ret, struct error *err)
{
	CLEANUP(text_wipe_done) struct text conf = { 0 };

	print(&conf);
	if (!conf.len)
		return 0;
	*ret = memfd_create("apt-private", MFD_CLOEXEC);
	if (*ret < 0 || write_all(*ret, conf.data, conf.len) < 0)
		return error_errno(err, errno, "give apt its logins and proxies");
	return 0;
}

/* In the child: only apt inherits the files. */
static int keep_private(void *context, struct error *err)
{
	const struct apt_child *child = context;

	if ((child->logins >= 0 && fcntl(child->logins, F_SETFD, 0) < 0) ||
	    (child->proxies >= 0 && fcntl(child->proxies, F_SETFD, 0) < 0))
		return error_errno(err, errno, "give apt its logins and proxies");
	return 0;
}

/* argv[0], then what names the file for apt and lets its methods inherit it (APT::Keep-Fds in apt-pkg/contrib/fileutl.cc). */
static void arguments(char *const *argv, const struct apt_child *child, struct strings *ret)
{
	strings_add(ret, argv[0]);
	if (child->logins >= 0) {
		strings_addf(ret, "-oAPT::Keep-Fds::=%d", child->logins);
		strings_addf(ret, "-oDir::Etc::netrc=/proc/self/fd/%d", child->logins);
	}
	if (child->proxies >= 0)
		strings_addf(ret, "-c=/proc/self/fd/%d", child->proxies);
	for (size_t i = 1; argv[i]; i++)
		strings_add(ret, argv[i]);
}

int apt_run(const char *path, char *const *argv, struct text *ret_output, struct error *err)
{
	CLEANUP(text_done) struct text output = { 0 };
	CLEANUP(child_done) struct apt_child child = { .logins = -1, .proxies = -1 };
	CLEANUP(strings_done) struct strings env = { 0 }, args = { 0 };

	if (login_check_proxies(err) < 0 || open_private(login_auth_conf, &child.logins, err) < 0 ||
	    open_private(proxy_apt_conf, &child.proxies, err) < 0)
		return -1;
	environment(path, &env);
	arguments(argv, &child, &args);
	struct process p = {
		.argv = strings_argv(&args),
		.env = strings_argv(&env),
		.output = &output,
		.line = keep_line,
		.setup = keep_private,
		.context = &child,
	};
	if (process_run(&p, err) < 0) {
		if (err->class == ERROR_HOST || !child.messages.len)
			return -1;
		return apt_error(output.data ? output.data : "", child.messages.data, err);
	}
	if (output.len > APT_TEXT_MAX)
		return error_set(err, ERROR_FAILED, "%s printed %s, more than the limit of %s", argv[0],
				 text_bytes(output.len), text_bytes(APT_TEXT_MAX));
	text_addn(ret_output, output.data, output.len);
	return 0;
}
