/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Child processes: argv arrays, never shell text. A child dies with us (PR_SET_PDEATHSIG), inherits no descriptor that
 * was not asked for, and its failure is a sentence that ends with the last lines it wrote.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "lib/error.h"
#include "lib/text.h"

struct process {
	char *const *argv; /* borrowed; argv[0] is looked up in PATH; ends with NULL */
	char *const *env;  /* borrowed; NULL = ours */
	const char *name;  /* for messages; NULL = argv[0] */
	const char *input; /* its stdin, NULL = /dev/null; input_len bytes */
	size_t input_len;
	struct text *output; /* when set: stdout is collected here instead of going to line() */
	void (*line)(void *context,
		     const char *line); /* every line of stdout and stderr; NULL = only kept for the error text */
	int (*setup)(void *context, struct error *err); /* runs in the child before exec, e.g. to enter a sandbox */
	void *context;                                  /* for line() and setup() */
	enum error_class failure;                       /* class of "it ran and failed"; 0 = ERROR_FAILED */
};

/* Runs it to its end: 0 when it exited with 0. A missing program is ERROR_HOST and says so. */
int process_run(const struct process *p, struct error *err) MUST_CHECK;

/* The short form: runs argv, collects stdout (trailing newline kept). */
int process_capture(char *const *argv, struct text *ret_output, struct error *err) MUST_CHECK;

/* Starts without waiting (stdout and stderr to the given fd, -1 = /dev/null); returns the pid, or -1 with *err. */
pid_t process_start(const struct process *p, int output_fd, struct error *err) MUST_CHECK;
/* Waits up to milliseconds (-1 = for ever): 1 when it ended (*ret_status as from waitpid), 0 when still running. */
int process_wait(pid_t pid, int milliseconds, int *ret_status);
/* SIGTERM, and SIGKILL after milliseconds; reaps it. */
void process_stop(pid_t pid, int milliseconds);

/* "exit status 2", "killed by signal 9 (Killed)": into buffer. */
const char *process_status_text(int status, char *buffer, size_t size);
/* True when PATH (and /usr/sbin, /sbin) has the program. */
bool process_exists(const char *program);
