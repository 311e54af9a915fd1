/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How this host's own apt reaches its repositories: the logins of auth.conf and auth.conf.d (lib/login.h) and the proxies
 * (lib/proxy.h), from where `apt-config dump` says they are. They count for the repositories of a build, too: what apt-get
 * downloads here, nodekiln does.
 */

/* Reads them once in a process. What the user may not read, or a host without apt, is said in the log only. */
void apt_host_read(void);
