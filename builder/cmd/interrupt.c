/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cmd/interrupt.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "builder/progress/progress.h"
#include "lib/leftover.h"
#include "lib/log.h"

#define SHELL_SIGNAL 128 /* a shell's exit status of a signal, less its number */

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
static pid_t owner;                   /* children that have not reset their handlers end silently */
static const char *said;              /* by the handler */
static volatile sig_atomic_t caught;  /* the signal */
static volatile sig_atomic_t watched; /* the pid of the job; 0 = none */

static void say(const char *words)
{
	static const char before[] = "interrupted: ";

	(void)!write(STDERR_FILENO, before, sizeof before - 1);
	(void)!write(STDERR_FILENO, words, strlen(words));
	(void)!write(STDERR_FILENO, "\n", 1);
}

/* By the signal; process 1 of a container has to exit, since the kernel ignores signals there. */
NORETURN static void end_by(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	signal(number, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(number);
	_exit(SHELL_SIGNAL + number);
}

/* Only calls that signal-safety(7) allows. */
static void on_signal(int number)
{
	if (getpid() != owner)
		end_by(number);
	if (watched) {
		caught = number;
		kill((pid_t)watched, SIGKILL);
		return;
	}
	leftover_remove();
	progress_abandon();
	if (said) /* NULL: a job has just ended */
		say(said);
	end_by(number);
}

/* A signal that the caller ignores, as under nohup, stays ignored. */
static void handle(void (*handler)(int))
{
	struct sigaction old, now = { .sa_handler = handler };

	owner = getpid();
	sigemptyset(&now.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &now, NULL);
}

void interrupt_say(const char *words)
{
	said = words;
	handle(on_signal);
}

static void block(int how)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(how, &set, NULL);
}

struct work {
	job_fn *fn;
	void *context;
};

/* job_fn */
static int undisturbed(void *context, struct error *err)
{
	const struct work *work = context;

	handle(SIG_DFL);
	block(SIG_UNBLOCK);
	return work->fn(work->context, err);
}

static int watch(job_fn *fn, void *context, struct error *err)
{
	CLEANUP(job_stop) struct job job = { 0 };
	struct work work = { fn, context };

	block(SIG_BLOCK);
	int rc = job_start(&job, undisturbed, &work, err);
	watched = rc == 0 ? (sig_atomic_t)job.pid : 0;
	handle(on_signal);
	block(SIG_UNBLOCK);
	rc = rc < 0 ? -1 : job_wait(&job, err);
	watched = 0;
	return rc;
}

int interrupt_run(job_fn *fn, job_fn *tidy, void *context, const char *words, struct error *err)
{
	CLEANUP(job_stop) struct job after = { 0 };
	struct error why = { 0 };

	int rc = watch(fn, context, err);
	handle(SIG_DFL);
	if (!caught)
		return rc;
	block(SIG_BLOCK); /* one more Ctrl-C */
	if (job_start(&after, tidy, context, &why) < 0 || job_wait(&after, &why) < 0) {
		log_debug("%s", why.text);
		words = "what is left is removed when the command runs again";
	}
	say(words);
	end_by(caught);
}
