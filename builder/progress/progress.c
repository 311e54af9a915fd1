/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/progress/progress.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builder/progress/cpu_time.h"
#include "builder/progress/progress_format.h"
#include "lib/alloc.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"

#define PHASES_MAX 128 /* phases after that are not displayed */

/* Shared with every job and with the ticker. */
struct board {
	/* Protects all below, and the terminal; robust, since a job may be killed while it holds the lock. */
	pthread_mutex_t lock;
	double begin; /* CLOCK_MONOTONIC */
	size_t n;
	struct phase phase[PHASES_MAX];
	unsigned drawn; /* transient lines on the terminal now */
	unsigned drawn_columns;
};

static struct board *board; /* NULL = not open */
static const struct progress_format *format;
static bool color;
static pid_t ticker;

static struct progress_context context_now(void)
{
	struct winsize size = { 0 };
	struct timeval date;

	gettimeofday(&date, NULL);
	/* Read each time instead of on SIGWINCH: a signal handler would interrupt the system calls of the build. */
	if (format->transient && ioctl(format->fd, TIOCGWINSZ, &size) < 0)
		size.ws_col = 0;
	return (struct progress_context){
		.now = clock_seconds(),
		.date = (double)date.tv_sec + (double)date.tv_usec / 1e6,
		.columns = size.ws_col,
		.color = color,
	};
}

static void board_lock(void)
{
	if (pthread_mutex_lock(&board->lock) == EOWNERDEAD)
		pthread_mutex_consistent(&board->lock);
}

static void board_unlock(void)
{
	pthread_mutex_unlock(&board->lock);
}

static struct board *board_new(void)
{
	struct board *b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attributes;

	if (b == MAP_FAILED)
		return NULL;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&b->lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
	return b;
}

/* The newest running phase of that name. */
static struct phase *board_find(const char *name)
{
	for (size_t i = board->n; i-- > 0;)
		if (board->phase[i].running && !strncmp(board->phase[i].name, name, PHASE_NAME_MAX - 1))
			return &board->phase[i];
	return NULL;
}

static void print(const struct text *t)
{
	int saved = errno;

	/* A reader that has gone away must not fail a build. */
	if (t->len && write_all(format->fd, t->data, t->len) < 0)
		errno = saved;
	errno = saved;
}

/* Removes the transient lines from the terminal. After a resize the terminal has wrapped them again and their
 * position is unknown: they stay, and the next ones are drawn below. */
static void erase(const struct progress_context *c, struct text *ret)
{
	if (!board->drawn)
		return;
	if (board->drawn_columns != c->columns)
		text_add(ret, "\n");
	else if (board->drawn > 1)
		text_addf(ret, "\r\033[%uA\033[J", board->drawn - 1);
	else
		text_add(ret, "\r\033[J");
	board->drawn = 0;
}

static void draw(const struct progress_context *c, struct text *ret)
{
	for (size_t i = 0; i < board->n; i++) {
		if (!board->phase[i].running)
			continue;
		if (format->transient)
			text_add(ret, board->drawn++ ? "\n" : "");
		format->running(&board->phase[i], c, ret);
	}
	board->drawn_columns = c->columns;
}

/* Prints lines above the transient lines. */
static void print_above(const struct text *lines, const struct progress_context *c)
{
	CLEANUP(text_done) struct text out = { 0 };

	erase(c, &out);
	if (lines->len)
		text_addn(&out, lines->data, lines->len);
	if (format->transient)
		draw(c, &out);
	print(&out);
}

static void before_log(void)
{
	CLEANUP(text_done) struct text out = { 0 };

	board_lock();
	struct progress_context c = context_now();
	erase(&c, &out);
	print(&out);
}

static void after_log(void)
{
	CLEANUP(text_done) struct text out = { 0 };
	struct progress_context c = context_now();

	draw(&c, &out);
	print(&out);
	board_unlock();
}

static void tick(void)
{
	CLEANUP(text_done) struct text out = { 0 };

	board_lock();
	struct progress_context c = context_now();
	erase(&c, &out);
	draw(&c, &out);
	print(&out);
	board_unlock();
}

/* The main function of the ticker. It ends with SIGTERM, from progress_close() or, when the parent dies, from
 * the kernel. */
NORETURN static void ticker_main(pid_t parent)
{
	struct timespec interval = { .tv_sec = format->interval_ms / 1000,
				     .tv_nsec = (long)(format->interval_ms % 1000) * 1000000 };
	CLEANUP(text_done) struct text out = { 0 };
	sigset_t stop;

	/* No descriptor of the build may stay open here: locks and pipes would outlive their owner. */
	close_range(STDERR_FILENO + 1, ~0U, 0);
	signal(SIGINT, SIG_IGN);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_SETMASK, &stop, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	while (getppid() == parent && sigtimedwait(&stop, NULL, &interval) < 0)
		tick();
	board_lock();
	struct progress_context c = context_now();
	erase(&c, &out);
	print(&out);
	board_unlock();
	_exit(0);
}

static bool environment_has(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

static const struct progress_format *choose_format(enum progress_style style)
{
	const char *term = getenv("TERM");
	bool terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") && !environment_has("CI");

	if (style == PROGRESS_AUTO)
		style = terminal ? PROGRESS_BAR : PROGRESS_PLAIN;
	return style == PROGRESS_BAR    ? &progress_format_bar
	       : style == PROGRESS_JSON ? &progress_format_json
					: &progress_format_plain;
}

void progress_open(enum progress_style style)
{
	pid_t self = getpid();

	if (board || !(board = board_new()))
		return;
	board->begin = clock_seconds();
	format = choose_format(style);
	color = format->transient && isatty(format->fd) && !environment_has("NO_COLOR");
	ticker = fork();
	if (ticker == 0)
		ticker_main(self);
	if (format->transient)
		log_set_hooks(before_log, after_log);
}

void progress_close(void)
{
	if (!board)
		return;
	if (ticker > 0) {
		kill(ticker, SIGTERM);
		while (waitpid(ticker, NULL, 0) < 0 && errno == EINTR)
			;
	}
	log_set_hooks(NULL, NULL);
	munmap(board, sizeof *board);
	board = NULL;
	ticker = 0;
}

void progress_abandon(void)
{
	if (!board || !format->transient)
		return;
	if (ticker > 0)
		kill(ticker, SIGKILL);
	if (board->drawn)
		(void)!write(format->fd, "\n", 1);
}

/* What was set of a phase, with its new text. The text is truncated when it does not fit: it is only displayed. */
PRINTF(4, 0)
static void show_phase(struct phase *p, const struct progress_context *c, progress_phase_fn *describe, const char *fmt,
		       va_list ap)
{
	CLEANUP(text_done) struct text line = { 0 };

	vsnprintf(p->text, sizeof p->text, fmt, ap);
	text_make_printable(p->text);
	describe(p, c, &line);
	print_above(&line, c);
}

void progress_begin(const char *phase, const char *fmt, ...)
{
	va_list ap;

	if (!board)
		return;
	board_lock();
	struct progress_context c = context_now();
	if (board->n < PHASES_MAX) {
		struct phase *p = &board->phase[board->n++];
		*p = (struct phase){ .begin = c.now, .reported = c.now, .cpu = cpu_time(), .running = true };
		snprintf(p->name, sizeof p->name, "%s", phase);
		va_start(ap, fmt);
		show_phase(p, &c, format->begin, fmt, ap);
		va_end(ap);
	}
	board_unlock();
}

void progress_update(const char *phase, uint64_t done, uint64_t total)
{
	if (!board)
		return;
	board_lock();
	struct phase *p = board_find(phase);
	if (p) {
		p->done = done;
		p->total = total;
	}
	board_unlock();
}

void progress_end(const char *phase, const char *fmt, ...)
{
	va_list ap;

	if (!board)
		return;
	board_lock();
	struct progress_context c = context_now();
	struct phase *p = board_find(phase);
	if (p) {
		p->running = false;
		p->seconds = c.now - p->begin;
		p->cpu = cpu_time() - p->cpu;
		va_start(ap, fmt);
		show_phase(p, &c, format->end, fmt, ap);
		va_end(ap);
	}
	board_unlock();
}

void progress_notice(const char *fmt, ...)
{
	CLEANUP(text_done) struct text line = { 0 };
	va_list ap;

	va_start(ap, fmt);
	CLEANUP(free_p) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	text_make_printable(text);
	if (!board) {
		log_warning("%s", text);
		return;
	}
	board_lock();
	struct progress_context c = context_now();
	format->notice(text, &c, &line);
	print_above(&line, &c);
	board_unlock();
}

void progress_result(const struct json *result)
{
	CLEANUP(text_done) struct text value = { 0 }, line = { 0 };

	if (!board || format != &progress_format_json)
		return;
	json_print(result, false, &value);
	board_lock();
	struct progress_context c = context_now();
	progress_format_result(value.data, &c, &line);
	print(&line);
	board_unlock();
}

void progress_failure(const struct error *err)
{
	CLEANUP(text_done) struct text line = { 0 };

	if (!board || format != &progress_format_json)
		return;
	board_lock();
	struct progress_context c = context_now();
	progress_format_failure(err, &c, &line);
	print(&line);
	board_unlock();
}

void progress_timings(struct timings *ret)
{
	*ret = (struct timings){ 0 };
	if (!board)
		return;
	board_lock();
	ret->seconds = clock_seconds() - board->begin;
	ret->cpu = cpu_time();
	for (size_t i = 0; i < board->n; i++) {
		if (board->phase[i].running)
			continue;
		vec_push(&ret->phases, board->phase[i]);
		ret->phases.at[ret->phases.n - 1].begin -= board->begin;
	}
	board_unlock();
}
