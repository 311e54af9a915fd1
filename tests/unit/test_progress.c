/* SPDX-License-Identifier: Apache-2.0 */
/* What a build says: the wording of each voice, and whole reports as a pipe or a terminal sees them. */
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builder/progress/progress.h"
#include "builder/progress/progress_format.h"
#include "lib/job.h"
#include "lib/log.h"
#include "tests/unit/check.h"

static const struct progress_context stage = { .now = 104.5, .date = 1700000000.25, .columns = 80 };

static struct phase phase_of(const char *name, const char *text, uint64_t done, uint64_t total)
{
	struct phase p = {
		.begin = 100, .reported = 100, .seconds = 4.5, .done = done, .total = total, .running = true
	};

	snprintf(p.name, sizeof p.name, "%s", name);
	snprintf(p.text, sizeof p.text, "%s", text);
	return p;
}

static const char *going(const struct progress_format *v, struct phase p, const struct progress_context *s)
{
	static struct text t;

	text_done(&t);
	v->running(&p, s, &t);
	return t.data ? t.data : "";
}

static const char *ended(const struct progress_format *v, struct phase p, const struct progress_context *s)
{
	static struct text t;

	text_done(&t);
	v->end(&p, s, &t);
	return t.data;
}

TEST(seconds_as_people_read_them)
{
	CLEANUP(text_done) struct text t = { 0 };

	progress_format_seconds(4.84, &t);
	text_add(&t, "|");
	progress_format_seconds(99.94, &t);
	text_add(&t, "|");
	progress_format_seconds(99.96, &t);
	text_add(&t, "|");
	progress_format_seconds(187.4, &t);
	CHECK_STR(t.data, "4.8 s|99.9 s|1 min 40 s|3 min 07 s");
}

TEST(plain_speaks_at_the_end)
{
	CHECK_STR(ended(&progress_format_plain, phase_of("unpack", "237 packages", 0, 0), &stage),
		  "unpack: 237 packages, 4.5 s\n");
	CHECK_STR(ended(&progress_format_plain, phase_of("seal", "", 0, 0), &stage), "seal: 4.5 s\n");
}

TEST(plain_speaks_up_when_it_takes_long)
{
	struct progress_context late = { .now = 131, .date = 0 };

	CHECK_STR(going(&progress_format_plain, phase_of("fetch", "", 1 << 20, 4 << 20), &stage), "");
	CHECK_STR(going(&progress_format_plain, phase_of("fetch", "", 1 << 20, 4 << 20), &late),
		  "fetch: 31.0 s so far, 1.0 MiB of 4.0 MiB, 33 KiB/s, 93.0 s left\n");
}

TEST(a_bar_fits_its_terminal)
{
	struct progress_context s = stage;
	struct phase p = phase_of("fetch", "237 packages", 1 << 20, 4 << 20);

	CHECK_STR(going(&progress_format_bar, p, &s),
		  "fetch        [###-----------] 1.0 MiB of 4.0 MiB, 4.5 s, 228 KiB/s, 13.5 s left");
	for (s.columns = 1; s.columns < 200; s.columns++) {
		size_t n = strlen(going(&progress_format_bar, p, &s));
		CHECK(s.columns == 1 || n <= s.columns - 1);
	}
	s.columns = 30;
	CHECK_STR(going(&progress_format_bar, p, &s), "fetch        1.0 MiB of 4.0 M");
}

TEST(a_bar_without_a_total_shows_what_is_done)
{
	CHECK_STR(going(&progress_format_bar, phase_of("configure", "237 packages", 0, 0), &stage),
		  "configure    237 packages, 4.5 s");
	/* More done than there was to do is a full bar, not a crash. */
	CHECK(strstr(going(&progress_format_bar, phase_of("disk", "", 9, 3), &stage),
		     "[##############################]"));
}

TEST(characters_are_not_cut_in_two)
{
	struct progress_context narrow = { .now = 104.5, .columns = 4 };

	CHECK_STR(going(&progress_format_bar, phase_of("ab\xc3\xa4\xc3\xa4", "", 0, 0), &narrow), "ab");
}

TEST(events_are_json)
{
	CHECK_STR(ended(&progress_format_json, phase_of("unpack", "237 \"p\"", 5, 9), &stage),
		  "{\"time\":1700000000.25,\"event\":\"end\",\"phase\":\"unpack\",\"text\":\"237 \\\"p\\\"\","
		  "\"done\":5,\"total\":9,\"seconds\":4.5}\n");
}

TEST(a_failure_is_an_event)
{
	CLEANUP(text_done) struct text t = { 0 };
	struct error err = { 0 };

	error_set(&err, ERROR_NETWORK, "no route");
	progress_format_failure(&err, &stage, &t);
	CHECK_STR(t.data, "{\"time\":1700000000.25,\"event\":\"failure\",\"text\":\"no route\",\"code\":5}\n");
}

/* ---- whole reports ---- */

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

TEST(a_pipe_gets_plain_lines)
{
	CLEANUP(text_done) struct text t = { 0 };

	CHECK(story_through_pipe(PROGRESS_AUTO, &t) == 0);
	blur_times(t.data);
	CHECK_STR(t.data,
		  "warning: in the middle\nwarning: end of life\nvm: made in a job, TTT s\nfetch: 3 packages, TTT s\n");
}

TEST(every_event_is_one_line_of_json)
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

TEST(a_terminal_keeps_only_what_ended)
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

TEST(the_ticker_ends_when_the_build_is_killed)
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
	/* End of file comes when the last holder of stderr is gone; a ticker that stayed would keep this test for ever. */
	alarm(5);
	read_all(ends[0], &t);
	alarm(0);
	close(ends[0]);
	CHECK(WIFSIGNALED(status));
}

TEST(nothing_happens_before_open)
{
	progress_begin("x", "y");
	progress_update("x", 1, 2);
	progress_end("x", "y");
	progress_close();
	CLEANUP(timings_done) struct timings waterfall = { 0 };
	progress_timings(&waterfall);
	CHECK(waterfall.phases.n == 0);
}
