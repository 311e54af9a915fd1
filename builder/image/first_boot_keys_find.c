/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/image/first_boot_keys_internal.h"
#include "builder/image/made.h"
#include "builder/image/secret_key.h"
#include "builder/image/verify.h"
#include "builder/tree/tree_database.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/json.h"

#define LIST ".list"
#define UCF "var/lib/ucf/hashfile"
#define DATABASE_MAX (64u << 20)

/* Where scripts make files. */
static const char *const places[] = { "/etc", "/home", "/opt", "/root", "/srv", "/usr/local", "/var" };

struct finding {
	int rootfd;           /* borrowed */
	struct strings known; /* paths that are accounted for; sorted */
	struct text path;     /* of the current directory or entry */
	struct found_keys *found;
};

void found_keys_done(struct found_keys *k)
{
	for (size_t i = 0; i < k->n; i++) {
		free(k->at[i].path);
		free(k->at[i].package);
		free(k->at[i].target);
	}
	vec_done(k);
}

static void finding_done(struct finding *f)
{
	strings_done(&f->known);
	text_done(&f->path);
}

static bool is_in_place(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (text_starts(path, places[i]) && path[strlen(places[i])] == '/')
			return true;
	return false;
}

/* The paths at the ends of lines: all of a package's list, behind the digests of ucf's. */
static int add_lines(struct finding *f, const char *name, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	char *line;

	if (!file_exists_in(f->rootfd, name))
		return 0;
	if (file_read_in(f->rootfd, name, DATABASE_MAX, &text, err) < 0)
		return -1;
	for (char *rest = text.data; (line = strsep(&rest, "\n"));) {
		const char *path = strchr(line, '/');
		if (path && is_in_place(path))
			strings_add(&f->known, path);
	}
	return 0;
}

static int add_packages(struct finding *f, struct strings *ret_packages, struct error *err)
{
	int fd = file_open_in(f->rootfd, DPKG_INFO, O_RDONLY | O_DIRECTORY, 0);
	CLEANUP(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (text_ends(entry->d_name, LIST))
			strings_own(ret_packages, xstrndup(entry->d_name, strlen(entry->d_name) - strlen(LIST)));
	strings_sort(ret_packages);
	for (size_t i = 0; i < ret_packages->n; i++) {
		CLEANUP(free_p) char *list = xasprintf(DPKG_INFO "/%s" LIST, ret_packages->at[i]);
		if (add_lines(f, list, err) < 0)
			return -1;
	}
	return 0;
}

/* Of overlays and steps of the build. */
static int add_built(struct finding *f, struct error *err)
{
	static const char *const keys[] = { "files", "programs" };
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(json_free_p) struct json *about = NULL;

	if (!file_exists_in(f->rootfd, VERIFY_ABOUT))
		return 0;
	if (file_read_in(f->rootfd, VERIFY_ABOUT, DATABASE_MAX, &text, err) < 0 ||
	    json_parse(VERIFY_ABOUT, text.len ? text.data : "", text.len, &about, err) < 0)
		return -1;
	for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
		for (size_t i = 0; i < json_count(json_get(about, keys[k])); i++) {
			const char *path = json_as_string(json_at(json_get(about, keys[k]), i));
			if (path && is_in_place(path))
				strings_add(&f->known, path);
		}
	return 0;
}

static int compare(const void *key, const void *element)
{
	return strcmp(key, *(char *const *)element);
}

static bool is_known(const struct finding *f, mode_t mode)
{
	return (f->known.n && bsearch(f->path.data, f->known.at, f->known.n, sizeof *f->known.at, compare)) ||
	       made_known(f->path.data, mode);
}

static bool is_public_key(const struct text *content)
{
	static const char *const begin[] = { "-----BEGIN CERTIFICATE", "-----BEGIN PUBLIC KEY",
					     "-----BEGIN RSA PUBLIC KEY", "ssh-", "ecdsa-sha2-" };

	for (size_t i = 0; i < ARRAY_SIZE(begin); i++)
		if (content->len && text_starts(content->data, begin[i]))
			return true;
	return false;
}

static enum found_kind kind_of(const struct text *content, mode_t mode, const char **ret_what)
{
	bool is_private = !(mode & S_IROTH);
	const char *bytes = content->len ? content->data : "";

	*ret_what = secret_key_what(bytes, content->len);
	if (*ret_what)
		return FOUND_KEY;
	if (is_public_key(content))
		return FOUND_PUBLIC_KEY;
	*ret_what = secret_random_what(bytes, content->len, is_private);
	if (!*ret_what)
		return FOUND_NOTHING;
	return is_private ? FOUND_KEY : FOUND_PUBLIC_NAME;
}

static int look_at_file(struct finding *f, int dirfd, const char *name, const struct stat *st, struct error *err)
{
	CLEANUP(text_done) struct text content = { 0 };
	const char *what = NULL;

	if (!st->st_size || st->st_size > VERIFY_SCAN_MAX || is_known(f, st->st_mode))
		return 0;
	CLEANUP(close_p) int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || file_read_fd(fd, f->path.data, VERIFY_SCAN_MAX, &content, err) < 0)
		return fd < 0 ? error_errno(err, errno, "open %s", f->path.data) : -1;
	enum found_kind kind = kind_of(&content, st->st_mode, &what);
	if (kind)
		vec_push(f->found, (struct found_key){ kind, xstrdup(f->path.data), what, NULL, NULL, MATCH_NONE });
	return 0;
}

static int look_at_link(struct finding *f, int dirfd, const char *name, struct error *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dirfd, name, target, sizeof target - 1);

	if (n < 0)
		return error_errno(err, errno, "read the link %s", f->path.data);
	target[n] = '\0';
	if (!is_known(f, S_IFLNK))
		vec_push(f->found, (struct found_key){ FOUND_LINK, xstrdup(f->path.data), NULL, NULL, xstrdup(target),
						       MATCH_NONE });
	return 0;
}

static int look_into(struct finding *f, int fd, struct error *err);

static int look_at(struct finding *f, int dirfd, const char *name, struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "look at %s", f->path.data);
	if (S_ISREG(st.st_mode))
		return look_at_file(f, dirfd, name, &st, err);
	if (S_ISLNK(st.st_mode))
		return look_at_link(f, dirfd, name, err);
	if (!S_ISDIR(st.st_mode) || made_below(f->path.data))
		return 0;
	CLEANUP(close_p) int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? error_errno(err, errno, "open directory %s", f->path.data) : look_into(f, fd, err);
}

static int look_into(struct finding *f, int fd, struct error *err)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(closedir_p) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	CLEANUP(strings_done) struct strings names = { 0 };
	const struct dirent *entry;
	size_t len = f->path.len;

	if (!dir)
		return error_errno(err, errno, "read directory %s", f->path.data);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			strings_add(&names, entry->d_name);
	strings_sort(&names);
	for (size_t i = 0; i < names.n; i++) {
		text_addf(&f->path, "/%s", names.at[i]);
		if (look_at(f, fd, names.at[i], err) < 0)
			return -1;
		f->path.len = len;
		f->path.data[len] = '\0';
	}
	return 0;
}

static size_t directory_length(const char *path)
{
	return (size_t)(strrchr(path, '/') - path);
}

/* "/etc/ssl/private/NAME.key" and "/etc/ssl/certs/NAME.pem", or two in one directory. */
static bool is_pair(const char *a, const char *b)
{
	const char *x = strrchr(a, '/') + 1, *y = strrchr(b, '/') + 1;
	size_t stem = strcspn(x, ".");

	return (stem == strcspn(y, ".") && !strncmp(x, y, stem)) ||
	       (directory_length(a) == directory_length(b) && !strncmp(a, b, directory_length(a)));
}

const struct found_key *found_keys_pair(const struct found_keys *found, const struct found_key *public)
{
	for (size_t i = 0; i < found->n; i++)
		if (found->at[i].kind == FOUND_KEY && is_pair(found->at[i].path, public->path))
			return &found->at[i];
	return NULL;
}

int first_boot_keys_find(int rootfd, struct strings *ret_packages, struct found_keys *ret, struct error *err)
{
	CLEANUP(finding_done) struct finding f = { .rootfd = rootfd, .found = ret };

	if (add_packages(&f, ret_packages, err) < 0 || add_lines(&f, UCF, err) < 0 || add_built(&f, err) < 0)
		return -1;
	strings_sort(&f.known);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		CLEANUP(close_p) int fd = file_open_in(rootfd, places[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
		f.path.len = 0;
		text_add(&f.path, places[i]);
		if (fd >= 0 && look_into(&f, fd, err) < 0)
			return -1;
	}
	return 0;
}
