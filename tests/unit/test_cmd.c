/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands refuse before they do anything, and what `help` prints. A child runs each command line, as the options are static
 * variables of the command.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "builder/cmd/command.h"
#include "tests/unit/check.h"

static void run_in_child(char **argv, int out)
{
	CLEANUP(strings_done) struct strings words = { 0 };
	const struct command *c = command_find(argv[0]);
	struct error err = { 0 };
	int argc = 0, rc;

	dup2(out, STDOUT_FILENO);
	while (argv[argc + 1])
		argc++;
	rc = command_read(c, argc, argv + 1, &words, &err);
	if (rc == 0)
		rc = c->run((int)words.n, strings_argv(&words), &err);
	if (rc < 0)
		printf("%d %s", err.class, err.text);
	fflush(stdout);
	_exit(0);
}

/* What the command prints, or its error's class and text. Static storage. */
static const char *output_of(char **argv)
{
	static char output[1 << 16];
	int pipes[2], status;
	size_t len = 0;
	ssize_t n;

	fflush(stdout);
	if (pipe(pipes) < 0)
		return NULL;
	pid_t child = fork();
	if (child == 0)
		run_in_child(argv, pipes[1]);
	close(pipes[1]);
	while ((n = read(pipes[0], output + len, sizeof output - 1 - len)) > 0)
		len += (size_t)n;
	close(pipes[0]);
	output[len] = '\0';
	return waitpid(child, &status, 0) == child && status == 0 ? output : NULL;
}

#define OUTPUT(...) output_of((char *[]){ __VA_ARGS__, NULL })

TEST(cmd_build_refuses_options)
{
	CHECK_STR(OUTPUT("build", "--scratch", "x"), "2 --scratch x: it must be auto, memory or disk");
	CHECK_STR(OUTPUT("build", "--offline", "--update"), "2 --offline and --update exclude each other");
}

TEST(cmd_boot_refuses_options)
{
	CHECK_STR(OUTPUT("boot", "x", "--firmware", "efi"),
		  "2 --firmware efi is not one of its values; see `nodekiln boot --help`");
	CHECK_STR(OUTPUT("boot", "x", "--memory", "255M"),
		  "2 --memory 255M: it must be a size such as 2G, at least 256M");
	CHECK_STR(OUTPUT("boot", "x", "--cpus", "256"), "2 --cpus 256: it must be 1 to 255");
	CHECK_STR(OUTPUT("boot", "x", "--cpus", "1x"), "2 --cpus 1x: it must be 1 to 255");
	CHECK_STR(OUTPUT("boot", "x", "--seed", "y", "--hostname", "z"),
		  "2 --seed has its own user-data; leave out --hostname and --ssh-key");
}

TEST(cmd_publish_refuses_options)
{
	CHECK_STR(OUTPUT("publish", "x"), "2 --target is missing: the YAML file of the Proxmox VE cluster");
	CHECK_STR(OUTPUT("publish", "x", "--target", "t", "--only", "lxc"), "2 --only lxc: it must be vm or ct");
	CHECK_STR(OUTPUT("publish", "x", "--target", "t", "--firmware", "efi"),
		  "2 --firmware efi: it must be bios or uefi");
	CHECK_STR(OUTPUT("publish", "x", "--target", "t", "--retain", "0"),
		  "2 --retain 0: it must be a number from 1 to 1000");
	CHECK_STR(OUTPUT("publish", "x", "--target", "t", "--retain", "1001"),
		  "2 --retain 1001: it must be a number from 1 to 1000");
}

TEST(cmd_seed_refuses_options)
{
	CHECK(strstr(OUTPUT("seed", "x", "--lxc", "y", "--address", "z"), "2 --lxc cannot be combined with "));
	CHECK_STR(OUTPUT("seed", "x", "--network", "y", "--address", "z"),
		  "2 --network has its own addresses; leave out --address");
	CHECK(strstr(OUTPUT("seed", "x", "y", "--address", "192.0.2.1/24"),
		     "2 --address 192.0.2.1/24 is for one node;"));
}

TEST(cmd_roles_and_cache_refuse_arguments)
{
	CHECK_STR(OUTPUT("roles", "x", "--pve", "7"), "2 --pve 7: it must be 8 or 9");
	CHECK(strstr(OUTPUT("cache", "x"), "2 cache x: "));
}

TEST(cmd_help_topics)
{
	CHECK(strstr(OUTPUT("help"), "usage: nodekiln COMMAND") &&
	      strstr(OUTPUT("help", "build"), "--scratch auto|memory|disk"));
	CHECK(strstr(OUTPUT("help", "target"), "| `url` |") &&
	      strstr(OUTPUT("help", "--markdown"), "| `nodekiln build"));
	CHECK(strstr(OUTPUT("help", "--markdown", "exit-codes"), "| 12 | `lock --check` found security updates |"));
	CHECK(strstr(OUTPUT("help", "--man"), ".TH NODEKILN 1 ") &&
	      strstr(OUTPUT("help", "--man", "node"), "\\-NODE 5 "));
	CHECK(strstr(OUTPUT("help", "--recipes"), "debian-12\ndebian-12-docker\n"));
	CHECK(strstr(OUTPUT("help", "--completion", "zsh"), "#compdef nodekiln\n"));
}

TEST(cmd_help_refuses)
{
	CHECK_STR(OUTPUT("help", "x"),
		  "2 no help about 'x'; topics are the commands, and recipe, component, node, target, cluster");
	CHECK(strstr(OUTPUT("help", "--markdown", "build"), "2 no table of 'build'"));
	CHECK_STR(OUTPUT("help", "--completion", "sh"), "2 --completion sh: it must be bash, zsh or fish");
	CHECK(strstr(OUTPUT("help", "--man", "--recipes"), "exclude each other") &&
	      strstr(OUTPUT("help", "--recipes", "x"), "no topic"));
}

TEST(cmd_plan_prints_a_recipe)
{
	CHECK(text_starts(OUTPUT("plan", "tests/recipes/small.yaml"), "recipe      small: "));
	CHECK(strstr(OUTPUT("plan", "tests/recipes/small.yaml", "--json", "--set", "disk.size=3G"), "3221225472"));
	CHECK(text_starts(OUTPUT("plan", "nothing"), "3 no recipe 'nothing' in "));
}
