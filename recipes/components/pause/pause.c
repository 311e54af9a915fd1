/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process of a pod's sandbox: it keeps the pod's namespaces open and reaps the pod's orphans where the pod has one PID
 * namespace. It ends at SIGTERM and SIGINT.
 *
 *	pause		waits for a signal to end
 *	pause -v	prints its version
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	sigset_t signals;
	int signal;

	if (argc > 1) {
		if (argc == 2 && !strcmp(argv[1], "-v"))
			return puts("pause " VERSION) < 0;
		fprintf(stderr, "usage: %s [-v]\n", argv[0]);
		return 2;
	}
	/* Process 1 gets only signals that it handles: blocked ones wait for sigwait(). */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0) {
		perror("pause: block signals");
		return 1;
	}
	for (;;) {
		if (sigwait(&signals, &signal) != 0)
			continue;
		if (signal != SIGCHLD)
			return 0;
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}
