/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Child processes: argument vectors, never shell text. A child is killed when its parent ends (PR_SET_PDEATHSIG) and inherits
 * only stdin, stdout and stderr. The private text of a failed child's error is the last lines that it wrote.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "lib/error.h"
#include "lib/macro.h"
#include "lib/text.h"

struct process {
	char *const *argv; /* borrowed; argv[0] is looked up in PATH; NULL-terminated */
	char *const *env;  /* borrowed; NULL = the parent's */
	const char *name;  /* for messages; NULL = argv[0] */
	const char *input; /* input_len bytes for its stdin; NULL = /dev/null */
	size_t input_len;
	struct text *output; /* collects stdout, which then does not go to line(); NULL = none */
	void (*line)(void *context, const char *line); /* called for each line of stdout and stderr; NULL = none */
	/* Called in the child before execve(2), e.g. to enter a sandbox; NULL = none. */
	int (*setup)(void *context, struct error *err);
	void *context;            /* for line() and setup() */
	enum error_class failure; /* the class when it ran and failed; 0 = ERROR_FAILED */
};

/* Runs it and waits: 0 when it exited with status 0. A missing program is ERROR_HOST. Its end is the end: processes that it
 * leaves behind are not waited for, though they have its stdout. */
int process_run(const struct process *p, struct error *err) MUST_CHECK;

/* The short form: runs argv and appends its stdout, final newline included, to *ret_output. */
int process_capture(char *const *argv, struct text *ret_output, struct error *err) MUST_CHECK;

/* Starts without waiting (stdout and stderr to the given fd, -1 = /dev/null); returns the pid, or -1 with *err. */
pid_t process_start(const struct process *p, int output_fd, struct error *err) MUST_CHECK;
/* Waits up to milliseconds (-1 = no limit): 1 when it ended and was reaped (*ret_status as from waitpid(2)), 0 when it is still
 * running. */
int process_wait(pid_t pid, int milliseconds, int *ret_status);
/* Sends SIGTERM, and SIGKILL after milliseconds; reaps the child. */
void process_stop(pid_t pid, int milliseconds);

/* "exit status 2", "killed by signal 9 (Killed)": into buffer, which it returns. */
const char *process_status_text(int status, char *buffer, size_t size);
/* True when PATH (and /usr/sbin, /sbin) has the program. */
bool process_exists(const char *program);
