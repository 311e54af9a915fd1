/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the command, reads its options, runs it, and turns an error into one line and an exit code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/cmd/help.h"
#include "builder/sandbox/confine.h"
#include "lib/alloc.h"
#include "lib/core_dump.h"
#include "lib/log.h"

static void print(const struct text *text)
{
	fputs(text->data, stdout);
}

static int run_command(const struct command *c, int argc, char **argv, struct error *err)
{
	CLEANUP(strings_done) struct strings words = { 0 };
	CLEANUP(text_done) struct text help = { 0 };
	int rc = command_read(c, argc, argv, &words, err);

	if (rc == 1) {
		help_command(c, &help);
		print(&help);
		return 0;
	}
	if (c->secrets)
		core_dump_disable();
	return rc < 0 ? rc : c->run((int)words.n, strings_argv(&words), err);
}

static int dispatch(int argc, char **argv, struct error *err)
{
	const char *name = argc > 1 ? argv[1] : "--help";

	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		return run_command(&command_help, argc > 2 ? 1 : 0, argv + 2, err);
	if (!strcmp(name, "--version") || !strcmp(name, "-V") || !strcmp(name, "version")) {
		printf("nodekiln %s\n", NODEKILN_VERSION);
		return 0;
	}
	const struct command *c = command_find(name);
	if (!c)
		return command_unknown(name, err);
	return run_command(c, argc - 2, argv + 2, err);
}

/* mke2fs and mkfs.vfat are in directories that are not in a normal user's PATH. */
static void widen_path(void)
{
	const char *path = getenv("PATH");
	CLEANUP(free_p) char *wide = xasprintf("%s:/usr/sbin:/sbin", path && *path ? path : "/usr/bin:/bin");

	setenv("PATH", wide, 1);
}

/* Skips the destructors of fifty libraries: they only free memory that the kernel frees anyway, and would load half a MiB of
 * code when publish's memory use is at its peak. With AddressSanitizer they must run: the leak checker is one of them. */
static int finish(int code)
{
	if ((fflush(stdout) != 0 || ferror(stdout)) && code == 0) {
		log_error("write to stdout: %m");
		code = ERROR_FAILED;
	}
#ifdef __SANITIZE_ADDRESS__
	if (!confined()) /* the leak checker may do nothing there */
		return code;
#endif
	_exit(code);
}

int main(int argc, char **argv)
{
	struct error err = { 0 };

	widen_path();
	if (dispatch(argc, argv, &err) == 0)
		return finish(0);
	CLEANUP(free_p) char *full = error_full(&err);
	log_error("%s", full);
	return finish(err.class ? (int)err.class : ERROR_FAILED);
}
