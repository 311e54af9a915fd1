/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The proxies that this host's apt uses for its repositories: apt.conf(5), Acquire::http::Proxy. They may be caches of packages
 * that give nothing else, so only downloads from apt repositories use them; all others take the environment's. They are in memory
 * until the process ends. proxy_find() may be called by any thread, the others before there are threads.
 */
#include "lib/text.h"

/* dump: what `apt-config dump --format '%f %v%n'` prints; lines of other settings are skipped. Adds to what was read before. */
void proxy_read_apt(const char *dump);
/* The same settings in the form of apt.conf(5). They may have a password. */
void proxy_apt_conf(struct text *ret);
/* As apt chooses: a URL; "" to connect directly; NULL when apt has no setting for the URL, so that the environment counts. Runs the
 * program of Proxy-Auto-Detect, once for a server. The string lives as long as the process. */
const char *proxy_find(const char *url);
