/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cache/mapping.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/text.h"

int mapping_open(int fd, const char *name, struct mapping *ret, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "look at %s", name);
	if (st.st_size <= 0 || (unsigned long long)st.st_size > MAPPING_MAX)
		return error_set(err, ERROR_FAILED, "%s is empty or larger than %s", name, text_bytes(MAPPING_MAX));
	void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return error_errno(err, errno, "map %s", name);
	*ret = (struct mapping){ bytes, (size_t)st.st_size };
	return 0;
}

void mapping_done(struct mapping *m)
{
	if (m->n)
		munmap((void *)m->bytes, m->n);
	*m = (struct mapping){ 0 };
}
