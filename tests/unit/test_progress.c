/* SPDX-License-Identifier: Apache-2.0 */
/* Build progress as a pipe or a terminal gets it. */
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builder/progress/progress.h"
#include "lib/job.h"
#include "lib/log.h"
#include "tests/unit/check.h"

static int job_work(void *context UNUSED, struct error *err UNUSED)
{
	progress_begin("vm", "in a job");
	progress_update("vm", 10, 20);
	progress_end("vm", "made in a job");
	return 0;
}

/* A report as a build makes one; exits with 0 when the timings of the job were seen. */
static void progress_story(enum progress_style style)
{
	struct error err = { 0 };
	struct job job = { 0 };

	progress_open(style);
	progress_begin("fetch", "3 packages");
	progress_update("fetch", 1000, 2000);
	usleep(300000);
	log_warning("in the middle");
	progress_notice("end of life");
	if (job_start(&job, job_work, NULL, &err) < 0 || job_wait(&job, &err) < 0)
		_exit(2);
	progress_end("fetch", "3 packages");
	struct timings waterfall;
	progress_timings(&waterfall);
	struct json *timings = timings_json(&waterfall);
	timings_done(&waterfall);
	CLEANUP(text_done) struct text t = { 0 };
	json_print(timings, false, &t);
	progress_result(timings);
	json_free(timings);
	progress_close();
	_exit(strstr(t.data, "{\"name\":\"fetch\",\"begin\":0") && strstr(t.data, "{\"name\":\"vm\",") ? 0 : 1);
}

/* Runs the story with stdout and stderr on fd; its exit status. */
static int run_story(enum progress_style style, int fd)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		unsetenv("CI");
		unsetenv("NO_COLOR");
		setenv("TERM", "xterm", 1);
		progress_story(style);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void read_all(int fd, struct text *ret)
{
	char chunk[512];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof chunk)) > 0)
		text_addn(ret, chunk, (size_t)n);
}

static int story_through_pipe(enum progress_style style, struct text *ret)
{
	int ends[2];

	if (pipe(ends) < 0)
		return -1;
	int status = run_story(style, ends[1]);
	close(ends[1]);
	read_all(ends[0], ret);
	close(ends[0]);
	return status;
}

/* Replaces every number in front of " s", which no two runs share. */
static void blur_times(char *s)
{
	for (char *p = s; (p = strstr(p, " s\n")); p++)
		for (char *d = p; d > s && strchr("0123456789.", d[-1]); d--)
			d[-1] = 'T';
}

TEST(progress_plain_on_pipe)
{
	CLEANUP(text_done) struct text t = { 0 };

	CHECK(story_through_pipe(PROGRESS_AUTO, &t) == 0);
	blur_times(t.data);
	CHECK_STR(t.data,
		  "warning: in the middle\nwarning: end of life\nvm: made in a job, TTT s\nfetch: 3 packages, TTT s\n");
}

TEST(progress_json_one_line_per_event)
{
	static const char *const events[] = { "begin", "notice", "begin", "end", "end", "result" };
	CLEANUP(text_done) struct text t = { 0 };
	struct error err = { 0 };
	size_t seen = 0;
	char *line;

	CHECK(story_through_pipe(PROGRESS_JSON, &t) == 0);
	for (char *rest = t.data; (line = strsep(&rest, "\n")) && *line;) {
		CLEANUP(json_free_p) struct json *event = NULL;
		if (text_starts(line, "warning: ")) /* the log is stderr's */
			continue;
		CHECK(json_parse("event", line, strlen(line), &event, &err) == 0);
		if (text_same(json_get_string(event, "event"), "progress"))
			continue;
		CHECK(seen < ARRAY_SIZE(events));
		CHECK_STR(json_get_string(event, "event"), events[seen++]);
	}
	CHECK(seen == ARRAY_SIZE(events));
}

/* A terminal of ROWS lines that knows what our bars use: \r \n, cursor up, erase below; colours are passed over. */
#define ROWS 16
#define COLUMNS 80
struct screen {
	char cell[ROWS][COLUMNS + 1];
	int row, column;
};

static const char *screen_escape(struct screen *s, const char *p)
{
	int n = atoi(p + 2);

	p += 2 + strspn(p + 2, "0123456789;");
	if (*p == 'A')
		s->row -= n;
	if (*p == 'J')
		memset(&s->cell[s->row][s->column], 0,
		       sizeof s->cell - ((size_t)s->row * (COLUMNS + 1) + (size_t)s->column));
	return p;
}

static void screen_show(struct screen *s, const char *p)
{
	for (; *p && s->row >= 0 && s->row < ROWS; p++) {
		if (*p == '\033')
			p = screen_escape(s, p);
		else if (*p == '\r')
			s->column = 0;
		else if (*p == '\n')
			s->row++;
		else if (s->column < COLUMNS)
			s->cell[s->row][s->column++] = *p;
	}
}

TEST(progress_bar_on_terminal)
{
	CLEANUP(text_done) struct text t = { 0 };
	struct winsize size = { .ws_row = ROWS, .ws_col = COLUMNS };
	struct screen screen = { 0 };
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(terminal >= 0 && ioctl(terminal, TIOCSWINSZ, &size) == 0);
	CHECK(run_story(PROGRESS_AUTO, terminal) == 0);
	close(terminal);
	read_all(master, &t);
	close(master);

	CHECK(strstr(t.data, "fetch        [###############---------------] 1000 B of 2.0 KiB"));
	screen_show(&screen, t.data);
	CHECK_STR(screen.cell[0], "warning: in the middle");
	CHECK_STR(screen.cell[1], "warning: end of life");
	CHECK(text_starts(screen.cell[2], "vm: made in a job, "));
	CHECK(text_starts(screen.cell[3], "fetch: 3 packages, "));
	CHECK_STR(screen.cell[4], "");
}

TEST(progress_ticker_ends_with_build)
{
	CLEANUP(text_done) struct text t = { 0 };
	int ends[2], status;

	CHECK(pipe(ends) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[1]);
		progress_open(PROGRESS_PLAIN);
		progress_begin("fetch", "x");
		kill(getpid(), SIGKILL);
	}
	close(ends[1]);
	waitpid(pid, &status, 0);
	/* End of file comes when the last holder of stderr is gone; a ticker that stayed would keep this test without end. */
	alarm(5);
	read_all(ends[0], &t);
	alarm(0);
	close(ends[0]);
	CHECK(WIFSIGNALED(status));
}

TEST(progress_silent_before_open)
{
	progress_begin("x", "y");
	progress_update("x", 1, 2);
	progress_end("x", "y");
	progress_close();
	CLEANUP(timings_done) struct timings waterfall = { 0 };
	progress_timings(&waterfall);
	CHECK(waterfall.phases.n == 0);
}
