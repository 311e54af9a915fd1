/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/macro.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void free_p(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}

void close_p(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

void fclose_p(void *pointer_to_file)
{
	FILE *f = *(FILE **)pointer_to_file;
	int saved = errno;

	if (f)
		fclose(f);
	errno = saved;
}

void closedir_p(void *pointer_to_dir)
{
	DIR *d = *(DIR **)pointer_to_dir;
	int saved = errno;

	if (d)
		closedir(d);
	errno = saved;
}
