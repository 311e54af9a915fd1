/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the command, reads its options, runs it, and turns an error into one line and an exit code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/cmd/command.h"
#include "lib/log.h"

static const struct command *const commands[] = {
	&command_build,   &command_lock,  &command_plan,  &command_inspect, &command_diff,
	&command_verify,  &command_boot,  &command_seed,  &command_publish, &command_deploy,
	&command_destroy, &command_roles, &command_cache, &command_doctor,
};

static const struct option_spec common_options[] = {
	{ "--help", OPTION_FLAG, NULL, NULL, "print this help" },
	{ 0 },
};

static void print_options(const struct option_spec *options)
{
	for (const struct option_spec *o = options; o && o->name; o++) {
		CLEANUP(free_p)
		char *left = xasprintf("%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
		printf("  %-24s %s\n", left, o->help);
	}
}

static void print_help(void)
{
	printf("nodekiln %s: golden Kubernetes node images for Proxmox VE\n\nusage: nodekiln COMMAND [OPTIONS] "
	       "[ARGUMENTS]\n\n",
	       NODEKILN_VERSION);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	printf("\n`nodekiln COMMAND --help` has the options. Exit codes: 0 done, 1 failed, 2 usage, 3 recipe or other "
	       "input, 4 host,\n"
	       "5 network, 6 signature or checksum, 7 space, 8 a command inside the image, 9 the image does not pass "
	       "`verify`,\n10 Proxmox VE lacks a right or a setting, or refused,\n11 `lock --check` found something "
	       "newer, 12 and security updates among it.\n");
}

static void print_command_help(const struct command *c)
{
	printf("usage: nodekiln %s [OPTIONS]%s%s\n\n%s\n\n", c->name, *c->arguments ? " " : "", c->arguments,
	       c->summary);
	print_options(c->options);
	print_options(common_options);
}

static const struct option_spec *find_option(const struct command *c, const char *word, size_t len)
{
	for (const struct option_spec *o = c->options; o && o->name; o++)
		if (strlen(o->name) == len && !strncmp(o->name, word, len))
			return o;
	return NULL;
}

/* Stores one option; advances *i when the value is the next word. */
static int read_option(const struct command *c, int argc, char **argv, int *i, struct error *err)
{
	const char *word = argv[*i], *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct option_spec *o = find_option(c, word, len);

	if (!o)
		return error_set(err, ERROR_USAGE, "unknown option %.*s; see `nodekiln %s --help`", (int)len, word,
				 c->name);
	if (o->kind == OPTION_FLAG) {
		*(bool *)o->target = true;
		return equals ? error_set(err, ERROR_USAGE, "%s takes no value", o->name) : 0;
	}
	const char *value = equals ? equals + 1 : *i + 1 < argc ? argv[++*i] : NULL;
	if (!value)
		return error_set(err, ERROR_USAGE, "%s needs a value: %s %s", o->name, o->name, o->argument);
	if (o->kind == OPTION_LIST)
		strings_add(o->target, value);
	else
		*(const char **)o->target = value;
	return 0;
}

/* Fills the options' targets and puts the plain arguments into words; 1 for --help. */
static int read_words(const struct command *c, int argc, char **argv, struct strings *words, struct error *err)
{
	bool options = true;

	for (int i = 0; i < argc; i++) {
		if (options && !strcmp(argv[i], "--help"))
			return 1;
		if (options && !strcmp(argv[i], "--")) {
			options = false;
		} else if (options && argv[i][0] == '-' && argv[i][1]) {
			if (read_option(c, argc, argv, &i, err) < 0)
				return -1;
		} else {
			strings_add(words, argv[i]);
		}
	}
	if (words->n < (size_t)c->min || words->n > (size_t)c->max)
		return error_set(err, ERROR_USAGE, "wrong number of arguments; usage: nodekiln %s [OPTIONS] %s",
				 c->name, c->arguments);
	return 0;
}

static int run_command(const struct command *c, int argc, char **argv, struct error *err)
{
	CLEANUP(strings_done) struct strings words = { 0 };
	int rc = read_words(c, argc, argv, &words, err);

	if (rc == 1) {
		print_command_help(c);
		return 0;
	}
	return rc < 0 ? rc : c->run((int)words.n, strings_argv(&words), err);
}

static int dispatch(int argc, char **argv, struct error *err)
{
	const char *name = argc > 1 ? argv[1] : "--help";

	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
		print_help();
		return 0;
	}
	if (!strcmp(name, "--version")) {
		printf("nodekiln %s\n", NODEKILN_VERSION);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, name))
			return run_command(commands[i], argc - 2, argv + 2, err);
	return error_set(err, ERROR_USAGE, "unknown command '%s'; `nodekiln --help` lists them", name);
}

/* mke2fs and mkfs.vfat are in directories that are not in a normal user's PATH. */
static void widen_path(void)
{
	const char *path = getenv("PATH");
	CLEANUP(free_p) char *wide = xasprintf("%s:/usr/sbin:/sbin", path && *path ? path : "/usr/bin:/bin");

	setenv("PATH", wide, 1);
}

/* Skips the destructors of fifty libraries: they free memory that the kernel frees anyway, and load half a MiB of code at the time
 * of publish's peak. With AddressSanitizer they must run: the leak checker is one of them. */
static int finish(int code)
{
	if ((fflush(stdout) != 0 || ferror(stdout)) && code == 0) {
		log_error("write to stdout: %m");
		code = ERROR_FAILED;
	}
#ifndef __SANITIZE_ADDRESS__
	_exit(code);
#endif
	return code;
}

int main(int argc, char **argv)
{
	struct error err = { 0 };

	widen_path();
	if (dispatch(argc, argv, &err) == 0)
		return finish(0);
	log_error("%s", err.text);
	return finish(err.class ? (int)err.class : ERROR_FAILED);
}
