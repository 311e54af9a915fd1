/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/macro.h"
#include "tests/unit/check.h"

struct pair {
	int a;
	char *b;
};

TEST(macro_take_leaves_zeros)
{
	struct pair p = { 7, (char *)"x" };
	char text[] = "y", *pointer = text;

	struct pair taken = TAKE(p);
	CHECK(taken.a == 7 && taken.b && !p.a && !p.b);
	CHECK(TAKE(pointer) == text && !pointer);
}

TEST(macro_take_evaluates_once)
{
	char *list[] = { (char *)"a", (char *)"b" };
	int i = 0;

	char *taken = TAKE(list[i++]);
	CHECK_STR(taken, "a");
	CHECK(i == 1 && !list[0] && list[1]);
}

TEST(macro_cleanup_closes_and_keeps_errno)
{
	int number = -1;

	errno = EXDEV;
	{
		CLEANUP(close_p) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), none = -1;
		CLEANUP(fclose_p) FILE *file = fopen("/dev/null", "re"), *no_file = NULL;
		CLEANUP(closedir_p) DIR *dir = opendir("/"), *no_dir = NULL;
		CHECK(fd >= 0 && none == -1 && file && !no_file && dir && !no_dir);
		number = TAKE_FD(none);
		CHECK(number == -1 && none == -1);
		number = fd;
		errno = EXDEV;
	}
	CHECK(errno == EXDEV && fcntl(number, F_GETFD) == -1 && errno == EBADF);
}
