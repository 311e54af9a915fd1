/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cache/mapped_file.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/text.h"

int mapped_file_open(int fd, const char *name, struct mapped_file *ret, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "look at %s", name);
	if (st.st_size <= 0 || (unsigned long long)st.st_size > MAPPED_FILE_MAX)
		return error_set(err, ERROR_FAILED, "%s is empty or larger than %s", name, text_bytes(MAPPED_FILE_MAX));
	void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return error_errno(err, errno, "map %s", name);
	*ret = (struct mapped_file){ bytes, (size_t)st.st_size };
	return 0;
}

void mapped_file_done(struct mapped_file *m)
{
	if (m->n)
		munmap((void *)m->bytes, m->n);
	*m = (struct mapped_file){ 0 };
}
