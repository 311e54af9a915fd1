/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sandbox/seccomp.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int seccomp_install(const struct sock_filter *filter, size_t n, unsigned flags, struct error *err)
{
	const struct sock_fprog program = { (unsigned short)n, (struct sock_filter *)filter };

	/* Without no_new_privs only CAP_SYS_ADMIN may install a filter; for programs that run as
	 * root, no_new_privs changes nothing. */
	long rc = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (rc == 0)
		rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	if (rc >= 0)
		return (int)rc;
	error_errno(err, errno, "install a seccomp filter; allow this container seccomp(2)");
	err->class = ERROR_HOST;
	return -1;
}
