/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/archive/kept_xattr.h"

#include <endian.h>
#include <errno.h>
#include <linux/limits.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>
#include <sys/xattr.h>

#include "lib/alloc.h"

static const char *const kept[] = { "security.capability", KEPT_XATTR_ACL, KEPT_XATTR_ACL_DEFAULT };

bool kept_xattr(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (!strcmp(name, kept[i]))
			return true;
	return text_starts(name, "user.");
}

int kept_xattr_names(int fd, struct strings *ret)
{
	CLEANUP(free_p) char *list = xmalloc(XATTR_LIST_MAX);
	ssize_t n = flistxattr(fd, list, XATTR_LIST_MAX);

	if (n < 0)
		return errno == ENOTSUP ? 0 : -1;
	for (const char *name = list; name < list + n; name += strlen(name) + 1)
		if (kept_xattr(name))
			strings_add(ret, name);
	strings_sort(ret);
	return 0;
}

int kept_xattr_read(int fd, const char *name, struct text *ret)
{
	CLEANUP(free_p) char *value = xmalloc(XATTR_SIZE_MAX);
	ssize_t n = fgetxattr(fd, name, value, XATTR_SIZE_MAX);

	if (n < 0)
		return -1;
	text_addn(ret, value, (size_t)n);
	return 0;
}

int kept_xattr_copy(int from, int to, const char *path, struct error *err)
{
	CLEANUP(strings_done) struct strings names = { 0 };

	if (kept_xattr_names(from, &names) < 0)
		return error_errno(err, errno, "list the extended attributes of %s", path);
	for (size_t i = 0; i < names.n; i++) {
		CLEANUP(text_done) struct text value = { 0 };
		if (kept_xattr_read(from, names.at[i], &value) < 0)
			return error_errno(err, errno, "read %s of %s", names.at[i], path);
		if (fsetxattr(to, names.at[i], value.data, value.len, 0) < 0)
			return error_errno(err, errno, "set %s of %s", names.at[i], path);
	}
	return 0;
}

bool kept_acl_entry(const void *value, size_t size, size_t n, struct kept_acl *ret)
{
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entry;
	size_t at = sizeof header + n * sizeof entry;

	if (size < sizeof header || n > size / sizeof entry || at + sizeof entry > size)
		return false;
	memcpy(&header, value, sizeof header);
	memcpy(&entry, (const char *)value + at, sizeof entry);
	uint16_t tag = le16toh(entry.e_tag);
	*ret = (struct kept_acl){ .permissions = le16toh(entry.e_perm) & 7, .id = le32toh(entry.e_id) };
	while (ret->tag < ACL_TAG_OTHER && tag != 1u << ret->tag)
		ret->tag++;
	return le32toh(header.a_version) == POSIX_ACL_XATTR_VERSION && tag == 1u << ret->tag;
}
