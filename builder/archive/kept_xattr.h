/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The extended attributes that belong to an image: capabilities, POSIX ACLs, and those of users. Others are the host's, such as the
 * labels of its security module.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/macro.h"
#include "lib/text.h"

#define KEPT_XATTR_ACLS "system.posix_acl_"
#define KEPT_XATTR_ACL KEPT_XATTR_ACLS "access"
#define KEPT_XATTR_ACL_DEFAULT KEPT_XATTR_ACLS "default"

bool kept_xattr(const char *name);
/* The names of those that a file has, sorted; none where the file system has no attributes. -1 with errno. */
int kept_xattr_names(int fd, struct strings *ret) MUST_CHECK;
/* The value of one, into *ret, which must be empty; -1 with errno. */
int kept_xattr_read(int fd, const char *name, struct text *ret) MUST_CHECK;
/* Copies all of them. path: for messages. Afterwards the mode of `to` is what an ACL says. */
int kept_xattr_copy(int from, int to, const char *path, struct error *err) MUST_CHECK;

/* In the order of the kernel's bits (linux/posix_acl.h). */
enum kept_acl_tag { ACL_TAG_OWNER, ACL_TAG_USER, ACL_TAG_GROUP, ACL_TAG_NAMED_GROUP, ACL_TAG_MASK, ACL_TAG_OTHER };

/* One entry of an ACL as the kernel has it in these attributes (linux/posix_acl_xattr.h). */
struct kept_acl {
	enum kept_acl_tag tag;
	int permissions; /* bits: 4 read, 2 write, 1 execute */
	uint32_t id;     /* of ACL_TAG_USER and ACL_TAG_NAMED_GROUP */
};
/* The entry number n of an attribute's value; false behind the last one, and for a value of another form. */
bool kept_acl_entry(const void *value, size_t size, size_t n, struct kept_acl *ret);
